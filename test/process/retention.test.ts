import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, GatewayProcess, SECRETS_KEY } from './gateway-process.ts';

// A started gateway with MESSAGE_RETENTION. Only the passing of days is played: messages are made older in the database, while no gateway runs.

const PHONE = '+4915112345671';
const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };

describe.skipIf(!inject('postgres'))('retention', () => {
  let place: TestPlace;
  let client: pg.Client;
  let gateway: GatewayProcess;
  let url: string;
  const sids = new Map<string, string>();

  beforeAll(async () => {
    place = await createTestPlace('migrated');
    client = new pg.Client(place.settings.databaseUrl);
    await client.connect();
    await start();
    for (const [index, name] of ['As the organization', 'Shorter', 'Longer'].entries()) {
      const enterpriseAdmin = { emailId: `admin${index}@example.com`, password: 'Secret-123' };
      const { sid: enterpriseSid } = await rest('/msteams/enterprises', { name, enterpriseAdmin });
      sids.set(name, enterpriseSid);
      await rest('/msteams/teamsbot', {
        enterpriseSid,
        applicationId: `app${index}`,
        tenantId: 'tenant',
        clientSecret: 's',
        botAppId: 'app',
      });
      const addresses = { microsoftAddress: `user${index}@example.com`, externalAddress: `+49302312504${index}` };
      await rest('/msteams/mappings', { enterpriseSid, ...addresses });
    }
  });
  afterAll(async () => {
    await gateway?.end('SIGKILL');
    await client?.end();
    await place?.remove();
  });

  async function start(): Promise<void> {
    gateway = new GatewayProcess({
      ...{ DATABASE_URL: place.settings.databaseUrl, SECRETS_KEY, BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN },
      ...{ MESSAGE_RETENTION: '40', EVENT_RETENTION: '10' },
    });
    url = await gateway.listening();
  }
  // biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
  async function rest(path: string, body: unknown): Promise<any> {
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = (await response.json()) as { data?: unknown };
    expect(response.status, JSON.stringify(answer)).toBeLessThan(300);
    return answer.data;
  }
  // biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
  async function graph(query: string, variables?: object): Promise<any> {
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
    expect(errors).toBeUndefined();
    return data;
  }
  const messages = async (): Promise<{ body: string; channelStatus: string }[]> =>
    (await graph('{ messages(first: 100) { nodes { body channelStatus } } }')).messages.nodes;
  const bodies = async () => (await messages()).map(({ body }) => body).sort();
  const usage = async (): Promise<number> => {
    const { usage: months } = await graph(
      '{ usage(from: "2020-01-01T00:00:00Z", to: "2035-01-01T00:00:00Z", granularity: MONTH) { messages } }',
    );
    return months.reduce((sum: number, { messages: count }: { messages: number }) => sum + count, 0);
  };

  /** Has an SMS delivered to each of these enterprises' users. */
  async function receive(texts: readonly (readonly [index: number, body: string])[]): Promise<void> {
    for (const [index, body] of texts) await rest('/stand-in/sms', { from: PHONE, to: `+49302312504${index}`, body });
    await until(async () => {
      const found = await messages();
      return texts.every(([, body]) => found.some((one) => one.body === body && one.channelStatus === 'DELIVERED'));
    });
  }

  /** Lets days pass for messages, by their texts, and their events unless these stay; then the gateway starts again, and its hourly jobs are due. */
  async function pass(days: Readonly<Record<string, number>>, { withoutEvents = [] }: { withoutEvents?: string[] } = {}): Promise<void> {
    await gateway.end('SIGTERM');
    for (const [body, age] of Object.entries(days)) {
      const { rows } = await client.query<{ sid: string }>(
        `UPDATE message SET date_created = now() - $2 * interval '1 day' WHERE body = $1 RETURNING sid`,
        [body, age],
      );
      if (withoutEvents.includes(body)) continue;
      await client.query(`UPDATE message_event SET occurred_at = now() - $2 * interval '1 day' WHERE message_sid = $1`, [
        rows[0]?.sid,
        age,
      ]);
    }
    // What is past EVENT_RETENTION is trimmed first, as it has been for days by then.
    await client.query(`UPDATE scheduled_job SET due = now() WHERE name = 'trim-events'`);
    await start();
    await until(async () => (await client.query(`SELECT FROM scheduled_job WHERE name = 'trim-events' AND due > now()`)).rowCount === 1);
    // The job is due again before it has ended.
    const isTrimmed = async () =>
      (await client.query(`SELECT FROM message_event WHERE occurred_at < now() - interval '40 days'`)).rowCount === 0;
    if (withoutEvents.length > 0) await until(isTrimmed);
    await gateway.end('SIGTERM');
    await client.query(`UPDATE scheduled_job SET due = now() WHERE name = 'retain-messages'`);
    await start();
    await gateway.says(/messages past their retention were emptied or deleted/);
  }

  test('MESSAGE_RETENTION holds where neither enterprise nor organization has one: texts go first, messages after their events, usage stays', async () => {
    // The log is trimmed from its beginning: what is kept comes last.
    await receive([[0, 'fifty days']]);
    await receive([
      [1, 'thirty days'],
      [0, 'fifty days, but its events are kept'],
    ]);
    await until(async () => (await usage()) === 3);
    await pass(
      { 'fifty days': 50, 'thirty days': 30, 'fifty days, but its events are kept': 50 },
      { withoutEvents: ['fifty days, but its events are kept'] },
    );
    expect(await bodies()).toEqual(['', 'thirty days']);
    expect(await usage()).toBe(3);
  });

  test('an enterprise’s retention goes before the organization’s, and that before MESSAGE_RETENTION', async () => {
    const SET = `mutation ($input: SetMessageRetentionInput!) { setMessageRetention(input: $input) {
      ... on SetMessageRetentionSuccess { organization { messageRetentionDays } } ... on Error { code } } }`;
    const set = (input: object) => graph(SET, { input });
    await set({ days: 60 });
    await set({ days: 20, enterpriseSid: sids.get('Shorter') });
    await set({ days: 100, enterpriseSid: sids.get('Longer') });
    await receive([
      [0, 'organization: 50 of 60'],
      [0, 'organization: 70 of 60'],
      [1, 'enterprise: 15 of 20'],
      [1, 'enterprise: 25 of 20'],
      [2, 'enterprise: 90 of 100'],
      [2, 'enterprise: 110 of 100'],
    ]);
    await until(async () => (await usage()) === 9);
    await pass({
      'organization: 50 of 60': 50,
      'organization: 70 of 60': 70,
      'enterprise: 15 of 20': 15,
      'enterprise: 25 of 20': 25,
      'enterprise: 90 of 100': 90,
      'enterprise: 110 of 100': 110,
    });
    const left = await bodies();
    expect(left.filter((body) => /\d/.test(body))).toEqual(['enterprise: 15 of 20', 'enterprise: 90 of 100', 'organization: 50 of 60']);
    // It was of the enterprise whose retention is now twenty days.
    expect(left).not.toContain('thirty days');
    expect(await usage()).toBe(9);
  });
});
