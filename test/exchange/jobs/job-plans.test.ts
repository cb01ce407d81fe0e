import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/database/connect.ts';
import { purgeAccessTokens } from '../../../src/domain/access/access-tokens.ts';
import { trimEvents } from '../../../src/domain/events/events.ts';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { purgeIdempotencyKeys } from '../../../src/domain/idempotency.ts';
import { resolveMappingUsers } from '../../../src/domain/mappings/mapping-users.ts';
import { fillConversations } from '../../../src/domain/messages/fill-conversations.ts';
import { fillUsage, foldUsage } from '../../../src/domain/usage/fold-usage.ts';
import { requeueOrphans } from '../../../src/exchange/outbox/orphans.ts';
import { restoreLanes } from '../../../src/exchange/outbox/outbox.ts';
import { reconcileStatuses, recoverInbound } from '../../../src/exchange/restcomm/reconciler.ts';
import { purgeNotices } from '../../../src/exchange/teams/notice-sender.ts';
import { expireHeldTexts } from '../../../src/exchange/teams/texts/held-texts.ts';
import { createTestDatabase } from '../../support/database.ts';
import { explainAll } from '../../support/plans.ts';

// A periodic job reads what it has to do, not what is stored: it would otherwise be cancelled by its own timeout once much is stored, each time again.

const DAY_MS = 24 * 60 * 60_000;
/** Of each large table. Ten rows are due. */
const ROWS = 20_000;
const DUE = 10;
/** The rows that a statement may find and discard: about as many as are due. */
const MAX_DISCARDED = 50;

let database: Database;
let gateway: Gateway;
beforeAll(async () => {
  database = await createTestDatabase();
  await seed();
  const restcomm = {
    findSms: async () => undefined,
    listReceived: async function* () {
      yield Array.from({ length: DUE }, (_, n) => ({ sid: `SM${n + 1}`, to: '+10001', from: '+4930', body: '', dateCreated: new Date() }));
    },
  };
  const microsoft = { graphHeldBackMs: () => 60_000 };
  const hints = { queued: () => {}, appended: () => {} };
  const { prisma, sql } = database;
  gateway = { prisma, sql, hints, restcomm, microsoft, log: pino({ level: 'silent' }) } as unknown as Gateway;
}, 60_000);
afterAll(() => database.close());

/** Tables of which few rows are due for a job; the others are young, settled or said. */
async function seed(): Promise<void> {
  const run = (text: string) => database.pool.query(text);
  const isDue = `n <= ${DUE}`;
  const rows = `generate_series(1, ${ROWS}) n`;
  await run(`INSERT INTO organization (sid, name) SELECT 'OR' || n, 'o' FROM generate_series(1, 500) n`);
  await run(
    `INSERT INTO account (sid, organization_sid, email, friendly_name, token_digest, token_key_id) VALUES ('AC1', 'OR1', 'a', 'a', '', '')`,
  );
  await run(`INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded) VALUES ('EN1', 'OR1', 'AC1', 'e', 'e')`);
  await run(`INSERT INTO bot (sid, organization_sid, enterprise_sid, account_sid, application_id, tenant_id, client_secret, client_secret_hint, bot_app_id)
    VALUES ('BO1', 'OR1', 'EN1', 'AC1', 'a', 't', '', '', 'b')`);
  await run(`INSERT INTO mapping (sid, organization_sid, enterprise_sid, account_sid, name, name_folded, microsoft_address, microsoft_address_folded,
      microsoft_domain, external_address, external_digits, microsoft_object_id)
    SELECT 'BE' || n, 'OR1', 'EN1', 'AC1', 'm', 'm', 'a', 'a', 'a', '1000' || n, '1000' || n, CASE WHEN NOT ${isDue} THEN n::text END FROM ${rows}`);
  await run(`INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, "from", from_folded, "to", to_folded,
      channel_status, status_rank, restcomm_message_sid, date_updated)
    SELECT 'MS' || n, 'OR1', 'EN1', 'BE1', 'AC1', 'INBOUND', 'f', 'f', 't', 't', (CASE WHEN n <= 2000 THEN 'SENT' ELSE 'DELIVERED' END)::channel_status, 2,
      'SM' || n, now() - CASE WHEN ${isDue} THEN interval '1 hour' ELSE interval '1 second' END FROM ${rows}`);
  await run(
    `UPDATE awaited_report SET asked = now() - interval '1 hour' WHERE message_sid IN (SELECT 'MS' || n FROM generate_series(1, ${DUE}) n)`,
  );
  await run(`INSERT INTO event_head (organization_sid, seq) SELECT 'OR' || n, ${ROWS} FROM generate_series(1, 500) n`);
  await run(`INSERT INTO message_event (organization_sid, seq, message_sid, status, occurred_at)
    SELECT 'OR1', n, 'MS' || n, 'QUEUED', now() - CASE WHEN ${isDue} THEN interval '40 days' ELSE interval '1 day' END FROM ${rows}`);
  await run(
    `INSERT INTO outbox_lane (lane, organization_sid) SELECT 'lane' || n, 'OR1' FROM generate_series(1, 1500) n WHERE NOT ${isDue}`,
  );
  await run(`INSERT INTO outbox (message_sid, lane) SELECT 'MS' || n, 'lane' || 1 + n % 1500 FROM ${rows}`);
  await run(`INSERT INTO idempotency_key (organization_sid, account_sid, key, operation, input_digest, claim, date_created)
    SELECT 'OR1', 'AC1', n, 'o', '', '', now() - CASE WHEN ${isDue} THEN interval '2 days' ELSE interval '1 hour' END FROM ${rows}`);
  await run(`INSERT INTO access_token (sid, organization_sid, account_sid, permissions, date_expires)
    SELECT 'AT' || n, 'OR1', 'AC1', '{}', now() + CASE WHEN ${isDue} THEN interval '-9 days' ELSE interval '1 hour' END FROM ${rows}`);
  await run(`INSERT INTO audit_log (organization_sid, action, target_sid, request_id, occurred_at)
    SELECT 'OR1', 'a', 't', 'r', now() - CASE WHEN ${isDue} THEN interval '101 days' ELSE interval '1 day' END FROM ${rows}`);
  await run(`INSERT INTO notice (organization_sid, enterprise_sid, conversation_id, service_url, ended)
    SELECT 'OR1', 'EN1', 'c', 'u', now() - CASE WHEN ${isDue} THEN interval '9 days' ELSE interval '1 hour' END FROM ${rows}`);
  await run(`INSERT INTO held_text (sid, organization_sid, enterprise_sid, object_id, conversation_id, service_url, activity_id, body, choices, expires, ended)
    SELECT 'HT' || n, 'OR1', 'EN1', 'o', 'c', 'u', n, 'b', '[]', now() + CASE WHEN ${isDue} THEN interval '-1 hour' ELSE interval '1 hour' END,
      CASE WHEN NOT ${isDue} THEN now() - CASE WHEN n <= 2 * ${DUE} THEN interval '99 days' ELSE interval '1 minute' END END FROM ${rows}`);
  await run(`INSERT INTO conversation_fill SELECT sid, organization_sid FROM mapping WHERE sid LIKE 'BE1000_'`);
  await run(`INSERT INTO usage_fill VALUES ('OR1', '0001-01-01Z', now())`);
  await run('VACUUM ANALYZE');
}

const JOBS: Readonly<Record<string, () => Promise<unknown>>> = {
  reconcileStatuses: () => reconcileStatuses(gateway),
  recoverInbound: () => recoverInbound(gateway),
  resolveMappingUsers: () => resolveMappingUsers(gateway),
  trimEvents: () => trimEvents(database.prisma, 30 * DAY_MS),
  purgeIdempotencyKeys: () => purgeIdempotencyKeys(database.prisma),
  purgeAccessTokens: () => purgeAccessTokens(database.prisma),
  fillConversations: () => fillConversations(gateway),
  fillUsage: () => fillUsage(database.prisma),
  foldUsage: () => foldUsage(database.prisma),
  requeueOrphans: () => requeueOrphans(gateway),
  restoreLanes: () => restoreLanes(database.prisma),
  expireHeldTexts: () => expireHeldTexts(gateway),
  purgeNotices: () => purgeNotices(database.prisma),
};
/** Few rows at any time, or one each, or all of them due. */
const SMALL = [
  'scheduled_job',
  'organization',
  'account',
  'enterprise',
  'bot',
  'event_head',
  'conversation_fill',
  'usage_fill',
  'usage_change',
];

describe('a job reads no table from end to end, nor rows that are not due:', () => {
  test.each(Object.entries(JOBS))('%s', async (_name, run) => {
    const explained = await explainAll(database, run);
    expect(explained.length).toBeGreaterThan(0);
    for (const { text, wholeTables, discarded } of explained) {
      expect({ text, wholeTables: wholeTables.filter((table) => !SMALL.includes(table)) }).toEqual({ text, wholeTables: [] });
      expect({ text, isBounded: discarded <= MAX_DISCARDED }).toEqual({ text, isBounded: true });
    }
  });

  test('trimAuditLog', async () => {
    const client = await database.pool.connect();
    try {
      await client.query('BEGIN');
      const { rows } = await client.query(`SELECT count FROM trim_audit_log('100 days', 2000, '1970-01-01')`);
      const { rows: scans } = await client.query(`SELECT pg_stat_get_xact_numscans('audit_log'::regclass)::int AS whole,
        pg_stat_get_xact_tuples_fetched('audit_log_by_age'::regclass)::int AS fetched`);
      expect([rows, scans]).toEqual([[{ count: DUE }], [{ whole: 0, fetched: DUE }]]);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});
