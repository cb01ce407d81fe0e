import type pg from 'pg';
import { smsWebhook } from '../../src/domain/mappings/webhooks.ts';
import { createSecrets } from '../../src/domain/secrets.ts';
import { ACCOUNT_SID, ENVIRONMENT } from '../gateway.ts';
import { bytesOf } from '../load.ts';
import type { Platforms } from './platforms.ts';

/** A Teams user with a number, and what a phone and the user send. */
export interface Conversation {
  /** The bytes of a webhook with an SMS that ends with this number. */
  readonly sms: (number: number) => Buffer;
  /** The bytes of an activity with a text to a phone that ends with this number. */
  readonly text: (number: number) => Buffer;
}

const secrets = createSecrets(Buffer.from(ENVIRONMENT.SECRETS_KEY, 'base64'));

/** Whose conversations to make, and how many. */
export interface Seed {
  readonly enterprises: number;
  /** Of each enterprise. */
  readonly users: number;
  /** The number of the first enterprise; 1 if absent. */
  readonly first?: number;
  /** ACCOUNT_SID if absent. */
  readonly account?: string;
}

/**
 * Makes one organization's enterprises, each with a bot of its own and users who have been written to.
 * Teams' limits are a bot's and a conversation's, so there have to be many of both.
 */
export async function seedConversations(client: Pick<pg.ClientBase, 'query'>, platforms: Platforms, seed: Seed): Promise<Conversation[]> {
  const { enterprises, users, first = 1, account = ACCOUNT_SID } = seed;
  const { rows } = await client.query<Seeded>(SEED, [account, first, enterprises, users, `${platforms.url}/teams/`]);
  for (const { bot } of rows.filter(({ user }) => user === 1))
    await client.query('UPDATE bot SET client_secret = $2 WHERE sid = $1', [bot, secrets.seal('secret', bot)]);
  await client.query('VACUUM (ANALYZE)');
  const authorizations = new Map<string, string>();
  for (const { application } of rows)
    if (!authorizations.has(application)) authorizations.set(application, await platforms.sign(application));
  return rows.map((row) => conversationOf(row, platforms, authorizations.get(row.application) ?? ''));
}

interface Seeded {
  readonly mapping: string;
  readonly number: string;
  readonly bot: string;
  readonly user: number;
  readonly application: string;
  readonly tenant: string;
  readonly object: string;
}

function conversationOf({ mapping, number, application, tenant, object }: Seeded, { url }: Platforms, authorization: string): Conversation {
  const webhook = new URL(smsWebhook({ secrets, publicUrl: 'http://gateway' }, mapping)).pathname;
  const phone = (text: number) => `+4477${String(100_000_00 + (text % 9_000_000)).padStart(8, '0')}`;
  return {
    sms: (text) => {
      const body = new URLSearchParams({
        SmsSid: `SM${number}${text}`,
        From: phone(text),
        To: number,
        Body: `Is Thursday at ten still right? #${text}`,
      });
      return bytesOf({ method: 'POST', path: webhook, body: body.toString() });
    },
    text: (text) => {
      const words = `${phone(text)} Yes, see you on Thursday. #${text}`;
      return bytesOf({
        method: 'POST',
        path: '/api/messages',
        authorization,
        body: {
          type: 'message',
          id: `${number}${text}`,
          timestamp: '2026-01-01T00:00:00.000Z',
          serviceUrl: `${url}/teams/`,
          channelId: 'msteams',
          from: { id: `29:${object}`, name: 'A person', aadObjectId: object },
          conversation: { conversationType: 'personal', tenantId: tenant, id: `a:${object}` },
          recipient: { id: `28:${application}`, name: 'SMS' },
          textFormat: 'plain',
          locale: 'en-GB',
          text: words,
          attachments: [{ contentType: 'text/html', content: `<p>${words}</p>` }],
          entities: [{ type: 'clientInfo', locale: 'en-GB', country: 'GB', platform: 'Web' }],
          channelData: { tenant: { id: tenant } },
        },
      });
    },
  };
}

const SEED = `
  WITH org AS (SELECT organization_sid AS sid FROM account WHERE sid = $1),
  e AS (
    INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded)
    SELECT 'EN' || md5('e' || n), org.sid, $1, 'Enterprise ' || n, 'enterprise ' || n FROM org, generate_series($2::int, $2 + $3::int - 1) n
    RETURNING *, substr(name, 12)::int AS place
  ), b AS (
    INSERT INTO bot (sid, organization_sid, enterprise_sid, account_sid, application_id, tenant_id, tenant_guid, client_secret, client_secret_hint, bot_app_id)
    SELECT 'BO' || md5(sid), organization_sid, sid, account_sid, md5('app' || sid)::uuid::text, md5('tenant' || sid)::uuid::text,
      md5('tenant' || sid)::uuid::text, '', '', 'app' FROM e RETURNING *
  ), m AS (
    INSERT INTO mapping (sid, organization_sid, enterprise_sid, account_sid, name, name_folded, microsoft_address, microsoft_address_folded,
      microsoft_domain, microsoft_object_id, external_address, external_digits)
    SELECT 'BE' || md5(e.sid || n), organization_sid, sid, account_sid, 'Person ' || n, 'person ' || n, address, address, 'example.com',
      md5(e.sid || n)::uuid::text, '+' || number, number
    FROM e, generate_series(1, $4::int) n,
      LATERAL (SELECT 'person.' || n || '@' || md5(e.sid) || '.example.com' AS address, '1555' || (2000000 + place * $4 + n) AS number) t
    RETURNING *
  ), c AS (
    INSERT INTO teams_conversation (organization_sid, enterprise_sid, object_id, conversation_id, service_url)
    SELECT organization_sid, enterprise_sid, microsoft_object_id, 'a:' || microsoft_object_id, $5 FROM m
  )
  SELECT m.sid AS mapping, m.external_address AS number, b.sid AS bot, b.application_id AS application, b.tenant_id AS tenant,
    m.microsoft_object_id AS object, row_number() OVER (PARTITION BY m.enterprise_sid)::int AS "user"
  FROM m JOIN b USING (enterprise_sid) ORDER BY "user", mapping`;
