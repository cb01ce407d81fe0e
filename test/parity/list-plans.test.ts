import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createReadTogether } from '../../src/database/batches/read-together.ts';
import type { Database } from '../../src/database/connect.ts';
import { shareOf } from '../../src/database/lists/bounds.ts';
import type { Bounds, Sql } from '../../src/database/sql.ts';
import { buildTextIndex, dropTextIndex } from '../../src/database/text-index.ts';
import { createTestDatabase } from '../support/database.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type Explained, explain, explainGeneric, recording } from '../support/plans.ts';
import { ENTERPRISES, FILTERS, MAPPINGS, PAIRED, seedLists } from './list-rows.ts';

// What the lists of both faces read, as PostgreSQL runs their statements: no table of messages or events from end to end, and no more rows than the
// statement's own bound, whatever the filters and orders, and where nothing matches. The bounds are so small that whatever walked on beyond one would be seen.

const BOUNDS: Bounds = { page: 1000, count: 4000 };
/** These grow with what is sent. */
const GROWING = ['message', 'message_event', 'awaited_report'];
/** The others of them have rows for a while, so that reading a whole one may be the shortest way. */
const LARGE = ['message', 'message_event'];
/** The other rows of a statement: those of its page, and of a lead that is looked into beside its walk. */
const BESIDE = 800;
const BESIDE_OF_PARENT = 100;
/** What a statement may read of tables and indexes without finding a row there, and for each row that it finds: a walk that skips rows unseen reads more. */
const PAGES = { beside: 400, ofRow: 5 };

let database: Database;
/** The statements are explained on this one, however long that takes. */
let connection: pg.Client;
let gateway: TestGateway;
let provider: Provider;
let asked: Map<string, { readonly text: string; readonly values: readonly unknown[]; readonly isGeneric: boolean }>;

const note = (text: string, values: readonly unknown[], isGeneric: boolean) => {
  if (!/^\s*(SELECT|WITH)\b/.test(text)) return;
  asked.set(
    JSON.stringify([text, values], (_, value) => (typeof value === 'bigint' ? String(value) : value)),
    { text, values, isGeneric },
  );
};

/** Asks, and explains what was asked of the large tables. */
async function explained(ask: () => Promise<unknown>): Promise<(Explained & { readonly values: readonly unknown[] })[]> {
  asked = new Map();
  await recording(database, (text, values) => note(text, values, false), ask);
  const found = [];
  for (const { text, values, isGeneric } of asked.values()) {
    if (!/\b(message|message_event|awaited_report)\b/.test(text)) continue;
    found.push({ ...(await (isGeneric ? explainGeneric : explain)(connection, text, values, GROWING)), values });
  }
  expect(asked.size).toBeGreaterThan(0);
  return found;
}

/** Asks, and expects each statement to find at most so many rows. */
async function expectWithin(rows: number, ask: () => Promise<unknown>): Promise<void> {
  for (const { text, values, wholeTables, found, pages } of await explained(ask)) {
    expect({ text, values, whole: wholeTables.filter((table) => LARGE.includes(table)) }).toEqual({ text, values, whole: [] });
    expect({ text, values, found, rows, isWithin: found <= rows }).toEqual({ text, values, found, rows, isWithin: true });
    const isWithin = pages <= PAGES.beside + PAGES.ofRow * found;
    expect({ text, values, found, pages, isWithin }).toEqual({ text, values, found, pages, isWithin: true });
  }
}

/** A walk, and its rows counted in the index as proof. */
const ofPage = 2 * BOUNDS.page + BESIDE;
const ofTotal = BOUNDS.count + BESIDE;
/** The rows that are skipped, found again where that is faster than passing them. */
const ofOffset = 2 * BOUNDS.count + BESIDE;
const ofParents = (parents: number) => parents * (2 * shareOf(BOUNDS, parents, BOUNDS.page) + BESIDE_OF_PARENT);

const ORDERS = ['DATE_CREATED', 'FROM', 'TO'].flatMap((field) => ['ASC', 'DESC'].map((direction) => ({ field, direction })));
const FIELDS = 'sid from body channelStatus enterpriseSid dateCreated';
const PAGE = `query ($filter: MessageFilter, $orderBy: MessageOrder, $first: Int, $after: String, $last: Int, $before: String, $offset: Int) {
  messages(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before, offset: $offset) {
    nodes { ${FIELDS} } pageInfo { startCursor endCursor } } }`;
const TOTAL = 'query ($filter: MessageFilter) { messages(first: 0, filter: $filter) { totalCount totalCountIsExact } }';

/** Asks for a page; `undefined` for one that would be too wide. */
async function page(variables: object): Promise<{ readonly startCursor: string; readonly endCursor: string } | undefined> {
  const { data, errors } = await provider.graph(PAGE, variables as Record<string, unknown>);
  for (const error of errors ?? []) expect(error.extensions?.code).toBe('SEARCH_TOO_WIDE');
  return data?.messages?.pageInfo;
}

async function ask(query: string, variables?: Record<string, unknown>) {
  const { data, errors } = await provider.graph(query, variables);
  for (const error of errors ?? []) expect(error.extensions?.code).toBe('SEARCH_TOO_WIDE');
  return data;
}

describe.skipIf(!inject('postgres'))('the statements of lists', () => {
  beforeAll(async () => {
    database = await createTestDatabase();
    const { sql } = database;
    const read: Sql['read'] = (text, values) => {
      note(text, values, true);
      return sql.read(text, values);
    };
    const queryBriefly: Sql['queryBriefly'] = (text, values) => {
      note(text, values, false);
      return sql.queryBriefly(text, values);
    };
    const noted: Sql = { ...sql, bounds: BOUNDS, queryBriefly, read, readTogether: createReadTogether(read) };
    gateway = await createTestGateway({ database: { ...database, sql: noted } });
    // The one that is filled first comes last in the indexes, as if rows and indexes had different orders: with many organizations they have.
    const [other, own] = [await gateway.provider(), await gateway.provider()].sort((one, two) =>
      one.organizationSid < two.organizationSid ? -1 : 1,
    );
    provider = own as Provider;
    connection = new pg.Client(database.pool.options.connectionString);
    await connection.connect();
    await seedLists(connection, provider, other as Provider);
    // In a table as small as this, PostgreSQL may read several times more rows, in the order of the table, to read fewer pages. In a large one it does not.
    await connection.query('SET jit = off; SET random_page_cost = 1.1');
  }, 240_000);
  afterAll(async () => {
    await connection?.end();
    await gateway?.close();
  });

  test.each(Object.entries(FILTERS))('a page filtered by %s, in each order, both ways, and its total', async (_, filter) => {
    for (const orderBy of ORDERS) {
      await expectWithin(ofPage, async () => {
        const first = await page({ filter, orderBy, first: 10 });
        if (first?.endCursor) await page({ filter, orderBy, first: 10, after: first.endCursor });
        const last = await page({ filter, orderBy, last: 10 });
        if (last?.startCursor) await page({ filter, orderBy, last: 10, before: last.startCursor });
      });
    }
    await expectWithin(ofTotal, () => ask(TOTAL, { filter }));
  });

  test.each(Object.entries(PAIRED))('a page filtered by %s and anything else', async (name, filter) => {
    const names = Object.keys(PAIRED);
    for (const other of names.slice(names.indexOf(name) + 1)) {
      const both = { ...filter, ...PAIRED[other] };
      await expectWithin(ofPage, async () => {
        for (const orderBy of ORDERS) await page({ filter: both, orderBy, first: 10 });
      });
      await expectWithin(ofTotal, () => ask(TOTAL, { filter: both }));
    }
  });

  test.each(Object.entries(PAIRED))('a page by number filtered by %s, in each order', async (_, filter) => {
    for (const orderBy of ORDERS) {
      await expectWithin(ofOffset, async () => {
        for (const offset of [5, 2500, BOUNDS.count + 1]) await page({ filter, orderBy, first: 10, offset });
      });
    }
  });

  test('a page by number of all messages by creation, however far', async () => {
    for (const direction of ['ASC', 'DESC']) {
      await expectWithin(ofOffset, () => page({ filter: {}, orderBy: { field: 'DATE_CREATED', direction }, first: 10, offset: 45_000 }));
    }
  });

  test.each(Object.entries(FILTERS))(
    'of each enterprise and mapping, filtered by %s, in each order, and their totals',
    async (_, filter) => {
      const of = (list: string) => `query ($filter: MessageFilter, $orderBy: MessageOrder, $offset: Int) {
      ${list}(first: 40) { nodes { messages(first: 3, filter: $filter, orderBy: $orderBy, offset: $offset) { nodes { ${FIELDS} } } } } }`;
      const totals = (list: string) => `query ($filter: MessageFilter) {
      ${list}(first: 40) { nodes { messages(first: 0, filter: $filter) { totalCount } } } }`;
      for (const [list, parents] of [
        ['enterprises', ENTERPRISES.length],
        ['mappings', MAPPINGS.length],
      ] as const) {
        await expectWithin(ofParents(parents), async () => {
          for (const orderBy of parents > 10 ? ORDERS.slice(1, 3) : ORDERS) await ask(of(list), { filter, orderBy });
          for (const orderBy of ORDERS.slice(0, 2)) await ask(of(list), { filter, orderBy, offset: 30 });
        });
        await expectWithin(2 * BOUNDS.count + parents + BESIDE, () => ask(totals(list), { filter }));
      }
    },
  );

  test('single messages, their events, and the counts of enterprises', async () => {
    const { messages } = await ask('{ messages(first: 20) { nodes { id sid } } }');
    const ids = messages.nodes.map(({ id }: { id: string }) => id);
    const {
      nodes: [{ events }],
    } = await ask('query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Message { events { id } } } }', { ids });
    await expectWithin(BESIDE, async () => {
      await ask('query ($sid: ID!) { message(sid: $sid) { body } }', { sid: messages.nodes[0].sid });
      await provider.rest.get(`/msteams/messages/search/${messages.nodes[0].sid}`);
      await ask('query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Message { events { id channelStatus } } } }', { ids });
      await ask('query ($ids: [ID!]!) { nodes(ids: $ids) { ... on MessageEvent { channelStatus message { sid } } } }', {
        ids: events.map(({ id }: { id: string }) => id),
      });
    });
    await expectWithin(2 * BOUNDS.count + BESIDE, () => ask('{ enterprises { nodes { messageCount messageCountIsExact } } }'));
  });

  test.each([
    ['nothing', {}],
    ['a status', { statuses: ['READ'] }],
    ['an enterprise', { enterpriseSids: [ENTERPRISES[3]] }],
    ['a mapping', { mappingSid: MAPPINGS[39] }],
    ['a message', { messageSid: 'MS1' }],
    ['a direction', { direction: 'OUTBOUND' }],
  ])('a page of events filtered by %s, the next one, and their total', async (_, filter) => {
    const query =
      'query ($filter: MessageEventFilter, $after: String) { messageEvents(filter: $filter, after: $after) { totalCount nodes { id } pageInfo { endCursor } } }';
    // Each of a batch of events, with its message.
    await expectWithin(2 * BOUNDS.count + BESIDE, async () => {
      const { messageEvents } = await ask(query, { filter });
      await ask(query, { filter, after: messageEvents.pageInfo.endCursor });
    });
  });

  test('a page in the REST API, in each order', async () => {
    const start = '&startTime=2026-01-14T00:00:00Z';
    const filters = [
      '',
      '&from=%2B44',
      '&to=person7',
      '&direction=OUTBOUND',
      '&channelStatus=n',
      '&channelErrorCode=0',
      '&channelErrorMessage=un',
      '&type=MMS',
    ];
    for (const filter of [...filters, start, `&enterpriseSid=${ENTERPRISES[1]}`]) {
      await expectWithin(ofOffset, async () => {
        for (const sortBy of ['dateCreated', 'dateCreated:desc', 'from', 'to:desc']) {
          for (const number of [1, 30]) await provider.rest.get(`/msteams/messages/search?page=${number}&sortBy=${sortBy}${filter}`);
        }
      });
    }
  });

  test('what retryMessages looks for, whatever the filter', async () => {
    for (const filter of Object.values(FILTERS)) {
      await expectWithin(2 * 2 * 2000 + BESIDE, () =>
        ask('mutation ($filter: MessageFilter) { retryMessages(input: { filter: $filter }) { __typename } }', {
          filter: { ...filter, body: 'no such text' },
        }),
      );
    }
  });

  describe('with the index of texts', () => {
    const OTHERS = ['nothing', 'an enterprise', 'MMS', 'one number', 'a window of time'].map((name) => FILTERS[name]);
    beforeAll(() => buildTextIndex(database.directPool).then(() => undefined));
    afterAll(() => dropTextIndex(database.directPool));

    test.each(['appointment', 'number 5999', 'no such text'])('a page filtered by "%s" and anything else, and its total', async (body) => {
      for (const other of OTHERS) {
        const filter = { ...other, body };
        await expectWithin(ofPage, async () => {
          for (const orderBy of ORDERS.slice(0, 3)) await page({ filter, orderBy, first: 10 });
        });
        await expectWithin(ofTotal, () => ask(TOTAL, { filter }));
      }
      await expectWithin(ofParents(ENTERPRISES.length), () =>
        ask('query ($filter: MessageFilter) { enterprises { nodes { messages(filter: $filter) { nodes { sid } } } } }', {
          filter: { body },
        }),
      );
    });
  });
});
