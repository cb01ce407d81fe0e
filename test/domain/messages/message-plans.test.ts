import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/database/connect.ts';
import type { Sql } from '../../../src/database/sql.ts';
import type { Caller } from '../../../src/domain/caller.ts';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { encodeCursor } from '../../../src/domain/lists/cursors.ts';
import type { MessageFilter } from '../../../src/domain/messages/message-filter.ts';
import { listMessages, listMessagesOf } from '../../../src/domain/messages/messages.ts';
import { createTestDatabase } from '../../support/database.ts';

// A page of messages reads about as many rows as it has, whatever it is filtered and sorted by, and also where nearly no message matches: an index leads to
// them. What an index cannot lead to is named here.

const MESSAGES = 20_000;
/** The rows that a plan may read of the table or an index, and discard: of the rare ones, or until a page of the frequent ones is full. */
const MAX_ROWS = 400;

let database: Database;
let caller: Caller;
/** The rows that each plan has read, by statement. */
let read: number[];
let gateway: Gateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await seed();
  read = [];
  const explained: Sql['query'] = async (text, values) => {
    read.push(await rowsRead(text, values));
    return database.sql.query(text, values);
  };
  const sql: Sql = { ...database.sql, query: explained, readTogether: ({ text, values }) => explained(text, values) };
  gateway = { ...({} as Gateway), sql };
  caller = { organizationSid: 'OR1', permissions: new Set() } as unknown as Caller;
}, 60_000);
afterAll(() => database.close());

/**
 * Two organizations. The latest 0.1 % of the first one's messages are rare ones: of the other direction, type, enterprise, mapping and status, stuck, failed.
 */
async function seed(): Promise<void> {
  const run = (text: string) => database.pool.query(text);
  await run(`INSERT INTO organization (sid, name) VALUES ('OR1', 'One'), ('OR2', 'Two')`);
  await run(`INSERT INTO account (sid, organization_sid, email, friendly_name, token_digest, token_key_id)
    SELECT 'AC' || n, 'OR' || n, 'a', 'a', '', '' FROM generate_series(1, 2) n`);
  await run(`INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded)
    SELECT 'EN' || n, 'OR' || 1 + n / 4, 'AC' || 1 + n / 4, 'e' || n, 'e' || n FROM generate_series(1, 5) n`);
  await run(`INSERT INTO mapping (sid, organization_sid, enterprise_sid, account_sid, name, name_folded, microsoft_address, microsoft_address_folded,
      microsoft_domain, external_address, external_digits)
    SELECT 'BE' || n, organization_sid, sid, account_sid, 'm', 'm', 'a', 'a', 'a', '1000' || n, '1000' || n
    FROM generate_series(1, 20) n JOIN enterprise ON sid = 'EN' || 1 + n % 5`);
  await run(`INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded,
      body, channel_status, status_rank, channel_error_code, channel_error_message, stuck, failed_for_good, date_created)
    SELECT 'MS' || md5(n::text), m.organization_sid, m.enterprise_sid, m.sid, m.account_sid,
      (CASE WHEN rare THEN 'OUTBOUND' ELSE 'INBOUND' END)::message_direction, (CASE WHEN rare THEN 'MMS' ELSE 'SMS' END)::message_type,
      'f', CASE WHEN rare THEN '4930' ELSE 'person' END || n % 500, 't', CASE WHEN rare THEN 'person' ELSE '4420' END || n % 500, repeat('x', 80),
      CASE WHEN rare THEN (ARRAY['QUEUED','SENDING','SENT','UNDELIVERED','FAILED','READ','RECEIVED']::channel_status[])[1 + n % 7] ELSE 'DELIVERED' END, 0,
      CASE WHEN rare AND n % 7 = 4 THEN '30003' END, CASE WHEN rare AND n % 7 = 4 THEN 'Unreachable' END, rare AND n % 7 = 0, false,
      '2026-01-01'::timestamptz + n * interval '1 minute'
    FROM (SELECT n, n > ${MESSAGES - MESSAGES / 1000} AS rare FROM generate_series(1, ${MESSAGES}) n) s
    JOIN mapping m ON m.sid = 'BE' || CASE WHEN rare THEN 1 ELSE 2 + n % 19 END`);
  await run('ANALYZE');
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Plan[];
}

async function rowsRead(text: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await database.pool.query({ text: `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values: [...values] });
  const readBy = (plan: Plan): number => {
    const each = plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0);
    const own = /Scan/.test(plan['Node Type']) ? each * plan['Actual Loops'] : 0;
    return (plan.Plans ?? []).map(readBy).reduce((sum, rows) => sum + rows, own);
  };
  return readBy(rows[0]['QUERY PLAN'][0].Plan);
}

const RARE: Readonly<Record<string, MessageFilter>> = {
  enterpriseSid: { enterpriseSid: 'EN2' },
  mappingSid: { mappingSid: 'BE1' },
  'type MMS': { type: 'MMS' },
  'direction OUTBOUND': { direction: 'OUTBOUND' },
  from: { from: '+4930' },
  to: { to: 'person49' },
  ...Object.fromEntries(
    (
      [
        ['QUEUED'],
        ['SENDING'],
        ['SENT'],
        ['UNDELIVERED'],
        ['FAILED'],
        ['READ'],
        ['RECEIVED'],
        ['SENDING', 'SENT'],
        ['QUEUED', 'UNDELIVERED'],
      ] as const
    ).map((statuses) => [`status ${statuses.join(' or ')}`, { statuses }]),
  ),
  channelErrorCode: { channelErrorCode: '30003' },
  channelErrorMessage: { channelErrorMessage: 'reachable' },
  stuck: { stuck: true },
  'a time': { createdFrom: new Date('2026-01-14T21:00:00Z') },
};
const FREQUENT: Readonly<Record<string, MessageFilter>> = {
  nothing: {},
  'type SMS': { type: 'SMS' },
  'direction INBOUND': { direction: 'INBOUND' },
  'status DELIVERED': { statuses: ['DELIVERED'] },
  'not stuck': { stuck: false },
};

describe('a page of messages reads few rows', () => {
  test.each(Object.entries({ ...RARE, ...FREQUENT }))('filtered by %s, by creation in either direction', async (_, filter) => {
    read = [];
    const ascending = await listMessages(gateway, caller, filter);
    expect(ascending.edges.length).toBeGreaterThan(0);
    await listMessages(gateway, caller, filter, { field: 'DATE_CREATED', direction: 'DESC' });
    for (const rows of read) expect(rows).toBeLessThan(MAX_ROWS);
  });

  test.each(['FROM', 'TO'] as const)('sorted by %s', async (field) => {
    read = [];
    const first = await listMessages(gateway, caller, {}, { field, direction: 'ASC' });
    await listMessages(gateway, caller, {}, { field, direction: 'DESC' });
    await listMessages(gateway, caller, {}, { field, direction: 'ASC' }, { after: first.pageInfo.endCursor });
    for (const rows of read) expect(rows).toBeLessThan(MAX_ROWS);
  });

  test.each(['ASC', 'DESC'] as const)('after a cursor among a thousand of one sender, %s', async (direction) => {
    await database.pool.query(`UPDATE message SET from_folded = 'same' WHERE sid < 'MS4' AND organization_sid = 'OR1'`);
    const cursor = encodeCursor('messages', 'FROM:2', 'same', direction === 'ASC' ? 'MS3' : 'MS1');
    read = [];
    const { edges } = await listMessages(gateway, caller, {}, { field: 'FROM', direction }, { after: cursor });
    expect(edges.length).toBeGreaterThan(0);
    for (const rows of read) expect(rows).toBeLessThan(MAX_ROWS);
  });

  test('of each enterprise and of each mapping', async () => {
    read = [];
    await listMessagesOf(gateway, caller, 'enterpriseSid', ['EN1', 'EN2', 'EN3'], {});
    await listMessagesOf(gateway, caller, 'mappingSid', ['BE1', 'BE2', 'BE5'], {});
    for (const rows of read) expect(rows).toBeLessThan(MAX_ROWS);
  });
});
