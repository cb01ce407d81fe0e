import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Message } from '../../prisma/client/client.ts';
import { buildTextIndex, dropTextIndex } from '../../src/database/text-index.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { SearchTooWideError } from '../../src/domain/errors.ts';
import type { Gateway } from '../../src/domain/gateway.ts';
import { listMessages } from '../../src/domain/messages/messages.ts';
import { createTestDatabase } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { MESSAGES, RARE_BODY, SMALL, seed } from './bounded-rows.ts';

let small: TestGateway;
let provider: Provider;
let caller: Caller;
let rows: Message[];
let enterprises: string[];

beforeAll(async () => {
  const database = await createTestDatabase();
  await buildTextIndex(database.directPool);
  small = await createTestGateway({ database: { ...database, sql: { ...database.sql, bounds: SMALL } } });
  provider = await small.provider();
  ({ enterprises } = await seed(small.gateway.prisma, provider, MESSAGES));
  caller = { organizationSid: provider.organizationSid, permissions: new Set() } as unknown as Caller;
  rows = await database.prisma.message.findMany({ where: { organizationSid: provider.organizationSid } });
});
afterAll(() => small.close());

describe('with an index of texts, the graph', () => {
  const QUERY = `query ($filter: MessageFilter, $first: Int, $after: String, $last: Int, $before: String) {
    messages(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
      totalCount totalCountIsExact nodes { sid } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`;
  const filter = { body: RARE_BODY };
  const found = () =>
    rows
      .filter(({ body }) => body.includes('Parcel 17'))
      .sort((one, other) => Number(one.dateCreated) - Number(other.dateCreated) || (one.sid < other.sid ? -1 : 1))
      .map(({ sid }) => ({ sid }));
  const code = async (asker: Provider) => (await asker.graph(QUERY, { filter, first: 50 })).errors?.[0]?.extensions?.code;

  test('finds a rare text page by page, both ways', async () => {
    expect(found().length).toBeGreaterThan(3);
    const pages = async (next: (info: { startCursor: string; endCursor: string } | undefined) => object) => {
      const seen: object[][] = [];
      for (let info: { startCursor: string; endCursor: string; hasNextPage: boolean; hasPreviousPage: boolean } | undefined; ; ) {
        const variables = next(info);
        const { data, errors } = await provider.graph(QUERY, { filter, ...variables });
        expect(errors).toBeUndefined();
        expect(data.messages).toMatchObject({ totalCount: found().length, totalCountIsExact: true });
        seen.push(data.messages.nodes);
        info = data.messages.pageInfo;
        if (!('first' in variables ? info?.hasNextPage : info?.hasPreviousPage)) return seen;
      }
    };
    expect((await pages((info) => ({ first: 2, after: info?.endCursor }))).flat()).toEqual(found());
    expect((await pages((info) => ({ last: 2, before: info?.startCursor }))).reverse().flat()).toEqual(found());
  });

  test('finds it within each enterprise and mapping', async () => {
    const { data, errors } = await provider.graph(
      `query ($filter: MessageFilter) { enterprises { nodes { sid messages(filter: $filter) { totalCount totalCountIsExact nodes { sid } } } }
        mappings { nodes { sid messages(filter: $filter) { nodes { sid } } } } }`,
      { filter },
    );
    expect(errors).toBeUndefined();
    const of = (field: 'enterpriseSid' | 'mappingSid', sid: string) =>
      found().filter((hit) => rows.find((row) => row.sid === hit.sid)?.[field] === sid);
    for (const { sid, messages } of data.enterprises.nodes) {
      const nodes = of('enterpriseSid', sid);
      expect(messages).toEqual({ totalCount: nodes.length, totalCountIsExact: true, nodes });
    }
    for (const { sid, messages } of data.mappings.nodes) expect(messages.nodes).toEqual(of('mappingSid', sid));
  });

  test("finds nothing of another tenant's, nor of another enterprise's", async () => {
    const stranger = await small.provider();
    await seed(small.gateway.prisma, stranger, 60);
    await small.gateway.prisma.message.updateMany({ where: { organizationSid: stranger.organizationSid }, data: { body: 'Hello' } });
    const { data, errors } = await stranger.graph(QUERY, { filter });
    expect(errors).toBeUndefined();
    expect(data.messages).toMatchObject({ totalCount: 0, totalCountIsExact: true, nodes: [] });
    const confined: Caller = { ...caller, enterpriseSid: enterprises[0] };
    const page = await listMessages(small.gateway, confined, filter);
    expect(page.edges.map(({ node }) => node.sid)).toEqual(
      found()
        .map(({ sid }) => sid)
        .filter((sid) => rows.find((row) => row.sid === sid)?.enterpriseSid === enterprises[0]),
    );
  });

  test.runIf(inject('postgres'))('looks for no longer than two seconds', async () => {
    const { sql } = small.gateway;
    const queryBriefly: typeof sql.queryBriefly = () => sql.queryBriefly('SELECT pg_sleep(61)', []);
    const slow: Gateway = { ...small.gateway, sql: { ...sql, queryBriefly } };
    await expect(listMessages(slow, caller, filter)).rejects.toThrow(SearchTooWideError);
    const running =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%'";
    await until(async () => (await small.database.pool.query(running)).rows.length === 0);
  });

  test('says SEARCH_TOO_WIDE of a frequent text, and of each one without the index', async () => {
    const { errors } = await provider.graph(QUERY, { filter: { body: 'MEETING', from: 'person1', to: 'person2' } });
    expect(errors?.[0]?.extensions?.code).toBe('SEARCH_TOO_WIDE');
    await dropTextIndex(small.database.directPool);
    expect(await code(provider)).toBe('SEARCH_TOO_WIDE');
    await buildTextIndex(small.database.directPool);
    expect(await code(provider)).toBeUndefined();
  });
});
