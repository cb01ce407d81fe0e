import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import type { Sql } from '../../src/database/sql.ts';
import { createTestDatabase } from '../support/database.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { explain, explainAll } from '../support/plans.ts';

// The statements of every list of messages and events that the two faces can make: none reads the table from end to end, and none finds many more rows than
// it returns, also where nearly none or none matches. Totals are not looked at: what they cost is bounded otherwise.

const MESSAGES = 20_000;
/** The latest ones, which are rare in every way. */
const RARE = MESSAGES / 1000;
/** The rows that a statement may find and discard: of the rare ones, or until a page of the frequent ones is full. */
const MAX_DISCARDED = 400;
const LARGE = ['message', 'message_event'];

let database: Database;
let gateway: TestGateway;
let provider: Provider;
/** What was asked since the last test, by text. */
const asked = new Map<string, { readonly values: readonly unknown[]; readonly isGeneric: boolean }>();

beforeAll(async () => {
  database = await createTestDatabase();
  const { sql } = database;
  const note = (text: string, values: readonly unknown[], isGeneric: boolean) => void asked.set(text, { values, isGeneric });
  const noted: Sql = {
    ...sql,
    query: (text, values) => {
      note(text, values, false);
      return sql.query(text, values);
    },
    read: (text, values) => {
      note(text, values, true);
      return sql.read(text, values);
    },
    readTogether: (statement) => {
      note(statement.text, statement.values, true);
      return sql.readTogether(statement);
    },
  };
  gateway = await createTestGateway({ database: { ...database, sql: noted } });
  provider = await gateway.provider();
  await seed(provider);
}, 60_000);
afterAll(() => gateway.close());

async function seed({ organizationSid, accountSid }: Provider): Promise<void> {
  const run = (text: string, values: unknown[] = []) => database.pool.query(text, values);
  const owner = [organizationSid, accountSid];
  await run(
    `INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded) SELECT 'EN' || lpad(n::text, 32, '0'), $1, $2, 'e' || n, 'e' || n FROM generate_series(1, 5) n`,
    owner,
  );
  await run(
    `INSERT INTO mapping (sid, organization_sid, enterprise_sid, account_sid, name, name_folded, microsoft_address, microsoft_address_folded,
       microsoft_domain, external_address, external_digits)
     SELECT 'BE' || n, $1, 'EN' || lpad((1 + n % 5)::text, 32, '0'), $2, 'm', 'm', 'a', 'a', 'a', '1000' || n, '1000' || n FROM generate_series(1, 20) n`,
    owner,
  );
  await run(
    `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded,
       body, channel_status, status_rank, channel_error_code, channel_error_message, stuck, date_created)
     SELECT 'MS' || md5(n::text), $1, m.enterprise_sid, m.sid, $2,
       (CASE WHEN rare THEN 'OUTBOUND' ELSE 'INBOUND' END)::message_direction, (CASE WHEN rare THEN 'MMS' ELSE 'SMS' END)::message_type,
       'f', CASE WHEN rare THEN '4930' ELSE 'person' END || n % 500, 't', CASE WHEN rare THEN 'person' ELSE '4420' END || n % 500, repeat('x', 80),
       CASE WHEN rare THEN (ARRAY['QUEUED','SENDING','SENT','UNDELIVERED','FAILED','READ','RECEIVED']::channel_status[])[1 + n % 7] ELSE 'DELIVERED' END, 0,
       CASE WHEN rare AND n % 7 = 4 THEN '30003' END, CASE WHEN rare AND n % 7 = 4 THEN 'Unreachable' END, rare AND n % 7 = 0,
       '2026-01-01'::timestamptz + n * interval '1 minute'
     FROM (SELECT n, n > ${MESSAGES - RARE} AS rare FROM generate_series(1, ${MESSAGES}) n) s
     JOIN mapping m ON m.sid = 'BE' || CASE WHEN rare THEN 1 ELSE 2 + n % 19 END`,
    owner,
  );
  await run(
    `INSERT INTO message_event (organization_sid, seq, message_sid, status) SELECT $1, n, 'MS' || md5(n::text), 'QUEUED' FROM generate_series(1, ${MESSAGES}) n`,
    [organizationSid],
  );
  await run('INSERT INTO event_head (organization_sid, seq) VALUES ($1, $2)', [organizationSid, MESSAGES]);
  await run('ANALYZE');
}

/** Explains what was asked. */
async function expectBounded(): Promise<void> {
  const statements = [...asked].filter(
    ([text]) => /\bmessage(_event)?\b/.test(text) && !/^\s*SELECT count\(\*\)::int AS count FROM/.test(text),
  );
  asked.clear();
  expect(statements.length).toBeGreaterThan(0);
  for (const [text, { values, isGeneric }] of statements) {
    const { wholeTables, discarded } = await explain(database, text, values, isGeneric && database.kind === 'postgres');
    // Of the messages of 500 events, so few are here that reading all is no worse.
    const large = text.includes('event_seq') ? ['message_event'] : LARGE;
    expect({ text, values, wholeTables: wholeTables.filter((table) => large.includes(table)) }).toEqual({ text, values, wholeTables: [] });
    expect({ text, values, isBounded: discarded <= MAX_DISCARDED }).toEqual({ text, values, isBounded: true });
  }
}

type Filter = Readonly<Record<string, unknown>>;
/** As the graph's input has them. */
const FILTERS: Readonly<Record<string, Filter>> = {
  'no filter': {},
  'a rare enterprise': { enterpriseSid: `EN${'2'.padStart(32, '0')}` },
  'a frequent enterprise': { enterpriseSid: `EN${'3'.padStart(32, '0')}` },
  'a mapping': { mappingSid: 'BE1' },
  MMS: { type: 'MMS' },
  SMS: { type: 'SMS' },
  OUTBOUND: { direction: 'OUTBOUND' },
  INBOUND: { direction: 'INBOUND' },
  'a sender': { from: '+4930' },
  'no sender': { from: '+999' },
  'a recipient': { to: 'person49' },
  FAILED: { statuses: ['FAILED'] },
  SENT: { statuses: ['SENT'] },
  DELIVERED: { statuses: ['DELIVERED'] },
  'an error code': { channelErrorCode: '30003' },
  'no error code': { channelErrorCode: '99999' },
  'an error message': { channelErrorMessage: 'reachable' },
  stuck: { stuck: true },
  'not stuck': { stuck: false },
  'a time': { createdFrom: '2026-01-14T21:00:00Z', createdTo: '2026-01-14T22:00:00Z' },
};
const NAMES = Object.keys(FILTERS);

const list = async (filter: Filter, field: string, direction: string, after?: string) => {
  const { data, errors } = await provider.graph(
    `query ($filter: MessageFilter, $order: MessageOrder, $after: String) {
      messages(first: 10, filter: $filter, orderBy: $order, after: $after) { nodes { sid body } pageInfo { endCursor } } }`,
    { filter, order: { field, direction }, after },
  );
  expect(errors).toBeUndefined();
  return data.messages.pageInfo.endCursor as string | null;
};

describe('a page of messages in the graph', () => {
  test.each(NAMES)('by %s, in each order, and the next one', async (name) => {
    for (const field of ['DATE_CREATED', 'FROM', 'TO']) {
      for (const direction of ['ASC', 'DESC']) {
        const cursor = await list(FILTERS[name] ?? {}, field, direction);
        if (cursor) await list(FILTERS[name] ?? {}, field, direction, cursor);
      }
    }
    await expectBounded();
  });

  test.each(NAMES)('by %s and any other', async (name) => {
    for (const other of NAMES) {
      const filter = { ...FILTERS[name], ...FILTERS[other] };
      await list(filter, 'DATE_CREATED', 'ASC');
      await list(filter, 'DATE_CREATED', 'DESC');
      await expectBounded();
    }
  });

  test('within enterprises and mappings, with their events', async () => {
    // Prisma's statements, too.
    const byPrisma = await explainAll(database, () =>
      provider.graph(
        `{ enterprises(first: 5) { nodes { messages(first: 5) { nodes { sid events { channelStatus } } } } }
           mappings(first: 20) { nodes { messages(first: 5, filter: { direction: OUTBOUND }) { nodes { sid } } } } }`,
      ),
    );
    await expectBounded();
    const ofEvents = byPrisma.filter(({ text }) => text.includes('message_event'));
    expect(ofEvents.length).toBeGreaterThan(0);
    for (const { text, wholeTables, discarded } of ofEvents) {
      expect({ text, wholeTables: wholeTables.filter((table) => LARGE.includes(table)) }).toEqual({ text, wholeTables: [] });
      expect({ text, isBounded: discarded <= MAX_DISCARDED }).toEqual({ text, isBounded: true });
    }
  });
});

test('a page of events', async () => {
  const { data } = await provider.graph('{ messageEvents(first: 10) { pageInfo { endCursor } } }');
  const after = data.messageEvents.pageInfo.endCursor;
  await provider.graph('query ($after: String) { messageEvents(first: 10, after: $after) { nodes { channelStatus message { sid } } } }', {
    after,
  });
  await expectBounded();
});

test.each(NAMES)('a page of messages in the REST API by %s', async (name) => {
  const { createdFrom: startTime, createdTo: endTime, statuses, stuck: _, mappingSid: __, ...same } = FILTERS[name] ?? {};
  const given = { ...same, startTime, endTime, channelStatus: (statuses as string[] | undefined)?.[0] };
  for (const sortBy of ['dateCreated', 'dateCreated:desc', 'from', 'to:desc']) {
    const query = new URLSearchParams({ sortBy });
    for (const [parameter, value] of Object.entries(given)) if (value !== undefined) query.set(parameter, String(value));
    const { status } = await provider.rest.get(`/msteams/messages/search?${query}`);
    expect(status).toBe(200);
  }
  await expectBounded();
});
