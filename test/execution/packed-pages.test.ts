import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import { createTestDatabase } from '../support/database.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type BothWays, bothWays, isPacked, overheard, type Question } from './both-ways.ts';
import { type ListData, makeLists } from './list-data.ts';
import { COLUMNS, LISTS, listDocument } from './list-documents.ts';

let gateway: TestGateway;
let ways: BothWays;
let asked: string[];
/** Errors on the fast path, whose requests the general path answered. */
const fellBack: string[] = [];
const log = pino({ level: 'warn' }, { write: (line: string) => fellBack.push(line) });
/** One whose messages hold no separators, and one some of whose do. */
let plain: Provider;
let separated: Provider;
let plainData: ListData;

beforeAll(async () => {
  const overhears = overheard(await createTestDatabase());
  ({ asked } = overhears);
  gateway = await createTestGateway({ database: overhears.database, log });
  [plain, separated] = [await gateway.provider(), await gateway.provider()];
  plainData = await makeLists(gateway, plain);
  await makeLists(gateway, separated, ['\x1e', 'a\x1fb', '\x1e\x1f', 'x\x1f\x1fy', `\x1f${'\x1f'.repeat(12)}\x1e`]);
  ways = await bothWays(gateway);
});
afterAll(async () => {
  await ways.close();
  await gateway.close();
  expect(fellBack).toEqual([]);
});

const credentials = ({ accountSid, authToken }: Provider) => ({ user: accountSid, password: authToken });
const same = (question: Question, who = plain) => ways.same(credentials(who), question);
/** The answer of the short way to a known document, and how it was read. */
async function known(question: Question, who = plain) {
  await same(question, who);
  asked.length = 0;
  const { body } = await ways.short(credentials(who), question);
  return { body, statements: [...asked] };
}
const nested =
  '{ enterprises(first: 2) { nodes { name mappings(first: 2) { nodes { name } totalCount } messages(first: 3, orderBy: { field: FROM, direction: DESC }) { nodes { body } } } } }';

test.each([
  ['a page that is refused', '{ messages(first: 2) { nodes { sid } } enterprises(first: 101) { totalCount } }'],
  ['a page inside another', '{ enterprises(first: 1) { nodes { name bot { sid } mappings(first: 101) { nodes { sid } } } } }'],
  ['a list inside another', '{ enterprises(first: 1) { nodes { mappings(first: 101) { nodes { sid } } } } }'],
  [
    'a list two levels inside another',
    '{ enterprises(first: 1) { nodes { mappings(first: 1) { nodes { messages(first: 1, last: 1) { nodes { sid } } } } } } }',
  ],
  [
    'a cursor of a list inside another',
    '{ mappings(first: 1) { edges { node { sid conversations(after: "bm90aGluZw") { totalCount } } } } bots { nodes { sid } } }',
  ],
  [
    'a filter of a list inside another',
    '{ conversations(first: 1) { nodes { sid messages(filter: { from: "\\u0000" }) { nodes { sid } } } } }',
  ],
  [
    'a node that is none',
    '{ viewer { account { email } } messages(first: 2) { nodes { events { status } } } nodes(ids: ["nothing"]) { id } }',
  ],
])('a query that fails for %s reads no more than at its first time', async (_what, query) => {
  asked.length = 0;
  await ways.general(credentials(plain), { query });
  const first = asked.length;
  const { body, statements } = await known({ query });
  expect(JSON.parse(body).errors).toHaveLength(1);
  expect(statements.length).toBeLessThanOrEqual(first);
});

describe('a page of plain columns', () => {
  test.each(Object.entries(LISTS.Query))('of %s is read packed, with every column as on the general path', async (list, type) => {
    const query = `{ ${list}(first: 100) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id __typename ${COLUMNS[type].join(' ')} } } } }`;
    const { body, statements } = await known({ query });
    expect(JSON.parse(body).data[list].edges.length).toBeGreaterThan(1);
    expect(statements.filter(isPacked).length).toBe(1);
    expect(statements.filter((text) => !isPacked(text)).every((text) => /count\(\*\)|message_count/.test(text))).toBe(true);
  });

  test('is read packed inside other pages, all of one level together', async () => {
    const { body, statements } = await known({ query: nested });
    expect(JSON.parse(body).data.enterprises.nodes[0].messages.nodes.length).toBe(3);
    expect(statements.every((text) => isPacked(text) || text.includes('count(*)'))).toBe(true);
  });

  test('is the same for any selection, in any form, of any page', async () => {
    await fc.assert(
      fc.asyncProperty(listDocument, async (question) => {
        const { body } = await same(question);
        expect(body).not.toContain('GRAPHQL_VALIDATION_FAILED');
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 80) },
    );
  });

  test.each(['DATE_CREATED', 'FROM', 'TO'])('is the same all the way forward and back by cursors, by %s', async (field) => {
    const query = `query ($first: Int, $after: String, $last: Int, $before: String) {
      messages(first: $first, after: $after, last: $last, before: $before, orderBy: { field: ${field}, direction: DESC }) {
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage } edges { cursor node { sid dateCreated } } } }`;
    const sids: string[] = [];
    const walk = async (variables: Record<string, unknown>) => {
      const { messages } = JSON.parse((await same({ query, variables })).body).data;
      sids.push(...messages.edges.map(({ node }: { node: { sid: string } }) => node.sid));
      return messages.pageInfo;
    };
    let there = await walk({ first: 20 });
    while (there.hasNextPage) there = await walk({ first: 20, after: there.endCursor });
    expect(new Set(sids).size).toBe(48);
    let back = await walk({ last: 20, before: there.startCursor });
    while (back.hasPreviousPage) back = await walk({ last: 20, before: back.startCursor });
    expect(new Set(sids).size).toBe(48);
  });

  test('is the same for filters that match nothing or only some rows', async () => {
    const query =
      'query ($filter: MessageFilter) { messages(filter: $filter) { totalCount nodes { sid mappingSid } pageInfo { startCursor } } }';
    const [mappingSid] = plainData.mappingSids;
    for (const filter of [
      { mappingSid },
      { mappingSid: 'no sid' },
      { enterpriseSid: plainData.enterprises[2]?.sid },
      {},
      null,
      { from: '\\%_' },
    ]) {
      expect((await same({ query, variables: { filter } })).body).toContain('"totalCount":');
    }
  });
});

describe('a page with values that contain separators', () => {
  const bodies = '{ messages(first: 100) { nodes { body from channelErrorMessage mediaUrls } } }';

  test('is read on the general path, with the same result', async () => {
    const { body, statements } = await known({ query: bodies }, separated);
    const rows: { body: string }[] = JSON.parse(body).data.messages.nodes;
    expect(rows.filter((row) => /[^ -~]/.test(row.body) && row.body.includes('\x1f')).length).toBeGreaterThan(2);
    expect(statements.map(isPacked)).toEqual([true, false]);
  });

  test('is read packed if none of them is selected', async () => {
    const { statements } = await known({ query: '{ messages(first: 100) { nodes { sid mediaUrls } } }' }, separated);
    expect(statements.map(isPacked)).toEqual([true]);
  });

  test.each([
    ['in lists of others', nested],
    [
      'next to a list that has lists',
      `{ messages(first: 100) { nodes { body } } enterprises { nodes { name mappings { totalCount nodes { name } } } } }`,
    ],
    [
      'after a list that has lists',
      `{ enterprises { nodes { mappings { nodes { name messages(first: 1) { nodes { sid } } } } } } messages(first: 100) { nodes { body } } }`,
    ],
    ['twice', '{ a: messages(first: 50) { nodes { body } } b: messages(last: 50) { nodes { from } } }'],
  ])('%s is the same', async (_where, query) => {
    const { body } = await same({ query }, separated);
    expect(JSON.parse(body).errors).toBeUndefined();
    expect(body).toContain('\\u001f');
  });

  test('is the same for any selection, in any form, of any page', async () => {
    await fc.assert(
      fc.asyncProperty(listDocument, async (question) => {
        await same(question, separated);
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 40) },
    );
  });
});

describe('a document with more than plain pages has the same result', () => {
  test.each([
    ['a directive', '{ messages(first: 2) { nodes { sid body @skip(if: true) } } }'],
    ['a directive of a list', '{ messages(first: 2) @include(if: true) { nodes { sid } } }'],
    ['a directive of a fragment', '{ messages(first: 2) { nodes { sid ... @skip(if: true) { body } } } }'],
    ['a variable directive', 'query ($no: Boolean = false) { messages(first: 2) { nodes { sid } totalCount @include(if: $no) } }'],
    ['a list twice under one name', '{ messages(first: 2) { nodes { sid } } messages(first: 2) { totalCount nodes { body } } }'],
    ['nodes twice', '{ messages(first: 2) { nodes { sid } nodes { body sid } pageInfo { endCursor } pageInfo { hasNextPage } } }'],
    ['nodes and edges', '{ messages(first: 2) { nodes { sid } edges { cursor } } }'],
    ['a column twice', '{ messages(first: 2) { nodes { body sid body s: sid s: sid } } }'],
    ['relations', '{ messages(first: 3) { nodes { sid enterprise { name } mapping { name } events { channelStatus } } } }'],
    ['computed values', '{ messages(first: 3) { nodes { route } } mappings { nodes { operational accountEmail } } }'],
    ['introspection', '{ messages(first: 2) { nodes { sid } } __schema { queryType { name } } __type(name: "Bot") { name } }'],
    ['the name of its type', '{ __typename messages(first: 2) { nodes { sid } } }'],
    ['the viewer', '{ viewer { account { sid } } messages(first: 2) { nodes { sid } } }'],
    ['a secret', '{ bots { nodes { sid clientSecret } } }'],
    ['other lists', '{ accessTokens { totalCount } auditLog(first: 1) { nodes { action } } messages(first: 1) { totalCount } }'],
    ['a page that is too large', '{ messages(first: 101) { nodes { sid } } }'],
    ['contradicting arguments', '{ messages(first: 1, last: 1) { nodes { sid } } }'],
    ['a cursor of another list', '{ messages(after: "bm90aGluZw") { nodes { sid } } bots { totalCount } }'],
    ['an error in one list of several', '{ a: enterprises { nodes { mappings(first: -1) { nodes { sid } } } } b: bots { nodes { sid } } }'],
    ['no rows', '{ messages { totalCount } a: messages { __typename } b: bots { pageInfo { __typename startCursor } } }'],
    ['names of object members', '{ __proto__: messages(first: 1) { constructor: nodes { toString: sid } } }'],
  ])('with %s', async (_what, query) => {
    for (const who of [plain, separated]) expect((await same({ query }, who)).status).toBe(200);
  });

  test.each([
    ['a variable of the wrong type', { first: 'two' }],
    ['an unknown variable', { first: 1, nothing: 1 }],
    ['a variable that is out of range', { first: 1e10 }],
    ['null', { first: null }],
    ['no variable', {}],
  ])('with %s', async (_what, variables) => {
    await same({ query: 'query ($first: Int = 3) { messages(first: $first) { nodes { sid body } } }', variables });
    await same({ query: 'query ($first: Int!) { messages(first: $first) { nodes { sid } } }', variables });
  });

  test('with one of several operations', async () => {
    const query =
      'query A { messages(first: 1) { nodes { ...F } } } query B { messages(last: 1) { nodes { ...F } } } fragment F on Message { sid }';
    const [a, b] = [await same({ query, operationName: 'A' }), await same({ query, operationName: 'B' })];
    expect(a.body).not.toBe(b.body);
    await same({ query });
  });

  test('with every column under two names', async () => {
    const aliased = COLUMNS.Message.map((name) => `${name} again_${name}: ${name}`).join(' ');
    await same({ query: `{ messages(first: 2) { nodes { id ${aliased} } } }` });
  });
});

describe('a page whose packed read fails unexpectedly', () => {
  test('is read on the general path, and the error is logged with the request id', async () => {
    const database = await createTestDatabase();
    const { readTogether } = database.sql;
    const sql: Database['sql'] = {
      ...database.sql,
      readTogether: (statement) => (isPacked(statement.text) ? Promise.reject(new TypeError('no such thing')) : readTogether(statement)),
    };
    const lines: string[] = [];
    const own = await createTestGateway({
      database: { ...database, sql },
      log: pino({ level: 'warn' }, { write: (line: string) => lines.push(line) }),
    });
    const provider = await own.provider();
    await makeLists(own, provider);
    const ownWays = await bothWays(own);
    const { body } = await ownWays.same(credentials(provider), { query: '{ messages { nodes { sid body } } }' });
    expect(JSON.parse(body).data.messages.nodes.length).toBeGreaterThan(5);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject(
      // Its document was new the first time.
      [2, 3].map(() => ({
        msg: 'cannot answer a planned page; using the general path',
        err: { message: 'no such thing' },
        requestId: expect.any(String),
      })),
    );
    await ownWays.close();
    await own.close();
  });
});
