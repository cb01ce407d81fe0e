import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChannelStatus, type Message } from '../../prisma/client/client.ts';
import { buildTextIndex } from '../../src/database/text-index.ts';
import { listBots } from '../../src/domain/bots/bots.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { listEnterprises } from '../../src/domain/enterprises/enterprises.ts';
import { SearchTooWideError } from '../../src/domain/errors.ts';
import type { Gateway } from '../../src/domain/gateway.ts';
import type { PageArguments } from '../../src/domain/lists/keyset.ts';
import type { Page } from '../../src/domain/lists/pages.ts';
import { listMappings } from '../../src/domain/mappings/mappings.ts';
import type { MessageFilter } from '../../src/domain/messages/message-filter.ts';
import { listMessages, listMessagesOf } from '../../src/domain/messages/messages.ts';
import { createTestDatabase } from '../support/database.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { MESSAGES, RARE_BODY, SMALL, seed } from './bounded-rows.ts';

// With bounds of a few rows, each page and total is that of a reference that knows all rows, or the answer says that it is not: a page is refused as too
// wide, a total is not exact.

let small: TestGateway;
let provider: Provider;
let caller: Caller;
let rows: Message[];
let enterprises: string[];
let mappings: string[];

beforeAll(async () => {
  const database = await createTestDatabase();
  await buildTextIndex(database.directPool);
  small = await createTestGateway({ database: { ...database, sql: { ...database.sql, bounds: SMALL } } });
  provider = await small.provider();
  const other = await small.provider();
  await seed(small.gateway.prisma, other, 40);
  ({ enterprises, mappings } = await seed(small.gateway.prisma, provider, MESSAGES));
  caller = { organizationSid: provider.organizationSid, permissions: new Set() } as unknown as Caller;
  rows = await database.prisma.message.findMany({ where: { organizationSid: provider.organizationSid } });
});
afterAll(() => small.close());

type Part = readonly [filter: MessageFilter, holds: (row: Message) => boolean];

/** Each part of a filter, and whether a row matches it. */
const part = () =>
  fc.oneof<fc.Arbitrary<Part>[]>(
    fc
      .constantFrom(...[0, 1, 2])
      .map((n) => [{ enterpriseSid: enterprises[n] }, (row: Message) => row.enterpriseSid === enterprises[n]] as const),
    fc.nat(3).map((n) => [{ mappingSid: mappings[n] }, (row: Message) => row.mappingSid === mappings[n]] as const),
    fc.constantFrom('SMS' as const, 'MMS' as const).map((type) => [{ type }, (row: Message) => row.type === type] as const),
    fc
      .constantFrom('INBOUND' as const, 'OUTBOUND' as const)
      .map((direction) => [{ direction }, (row: Message) => row.direction === direction] as const),
    fc.boolean().map((stuck) => [{ stuck }, (row: Message) => row.stuck === stuck] as const),
    fc
      .subarray(Object.values(ChannelStatus), { minLength: 1, maxLength: 3 })
      .map((statuses) => [{ statuses }, (row: Message) => statuses.includes(row.channelStatus)] as const),
    fc
      .constantFrom('3', '30', '300', '30003', 'e_1', '%', '9')
      .map((text) => [{ channelErrorCode: text }, (row: Message) => row.channelErrorCode?.toLowerCase().includes(text) ?? false] as const),
    fc
      .constantFrom('n', 'not', 'reachable 2', 'nowhere')
      .map(
        (text) =>
          [{ channelErrorMessage: text }, (row: Message) => row.channelErrorMessage?.toLowerCase().includes(text) ?? false] as const,
      ),
    fc
      .constantFrom(RARE_BODY, 'MEETING', '0% a_', 'a%b', 'nowhere at all')
      .map((text) => [{ body: text }, (row: Message) => row.body.toLowerCase().includes(text.toLowerCase())] as const),
    ...(['from', 'to'] as const).map((field) =>
      fc
        .constantFrom('+4930', 'person', 'person1', 'a%', 'a_', '\u{10ffff}', '\ud7ff', 'zzz')
        .map((text) => [{ [field]: text }, (row: Message) => row[`${field}Folded`].startsWith(text.replace('+', ''))] as const),
    ),
    fc
      .tuple(fc.nat(8), fc.nat(8))
      .map(([from, to]) => [new Date(Date.UTC(2026, 0, from)), new Date(Date.UTC(2026, 0, to, 0, 3))] as const)
      .map(([createdFrom, createdTo]) => [
        { createdFrom, createdTo },
        (row: Message) => row.dateCreated >= createdFrom && row.dateCreated <= createdTo,
      ]),
  );

const COLUMNS = { DATE_CREATED: 'dateCreated', FROM: 'fromFolded', TO: 'toFolded' } as const;
const question = () =>
  fc.record({
    parts: fc.array(part(), { maxLength: 3 }),
    order: fc.record({
      field: fc.constantFrom(...(Object.keys(COLUMNS) as (keyof typeof COLUMNS)[])),
      direction: fc.constantFrom('ASC' as const, 'DESC' as const),
    }),
    size: fc.integer({ min: 1, max: 30 }),
    isBackward: fc.boolean(),
    offset: fc.oneof(fc.constant(undefined), fc.nat(60)),
  });
type Question = typeof question extends () => fc.Arbitrary<infer Value> ? Value : never;

const filterOf = ({ parts }: Question): MessageFilter => Object.assign({}, ...parts.map(([filter]) => filter));
const compare = (one: string | Date, other: string | Date) =>
  typeof one === 'string' ? Buffer.compare(Buffer.from(one), Buffer.from(other as string)) : Number(one) - Number(other);

/** The sids of all rows that match, in order. */
function reference(asked: Question, matches: (row: Message) => boolean = () => true): string[] {
  const { order } = asked;
  const filter = filterOf(asked);
  // A later part replaces an earlier one of the same field.
  const kept = asked.parts.filter(([own]) => Object.entries(own).every(([field, value]) => filter[field as keyof MessageFilter] === value));
  const column = COLUMNS[order.field];
  return rows
    .filter((row) => matches(row) && kept.every(([, holds]) => holds(row)))
    .sort((one, other) => (compare(one[column], other[column]) || compare(one.sid, other.sid)) * (order.direction === 'ASC' ? 1 : -1))
    .map(({ sid }) => sid);
}

const sidsOf = (page: { readonly edges: readonly { readonly node: { readonly sid: string } }[] }) => page.edges.map(({ node }) => node.sid);
const runs = { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) };
/** How often an answer was refused and given: a property that refuses everything proves nothing. */
const told = { tooWide: 0, answered: 0, inexact: 0, exact: 0 };

async function orTooWide<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    const value = await read;
    told.answered += 1;
    return value;
  } catch (error) {
    if (!(error instanceof SearchTooWideError)) throw error;
    told.tooWide += 1;
    return undefined;
  }
}

const byCreation = (one: Message, other: Message) => Number(one.dateCreated) - Number(other.dateCreated) || compare(one.sid, other.sid);

/** What usage keeps numbers of. */
const KEPT = ['enterpriseSid', 'mappingSid', 'direction', 'type', 'statuses', 'createdFrom', 'createdTo'];
const isKept = (filter: MessageFilter) => Object.keys(filter).every((field) => KEPT.includes(field));

describe('with bounds of a few rows', () => {
  test('each page is right or too wide, and goes on after its cursor', async () => {
    await fc.assert(
      fc.asyncProperty(question(), async (asked) => {
        const expected = reference(asked);
        const { order, size, isBackward, offset } = asked;
        if (offset !== undefined) {
          const page = await orTooWide(listMessages(small.gateway, caller, filterOf(asked), order, { first: size, offset }));
          if (page) expect(sidsOf(page)).toEqual(expected.slice(offset, offset + size));
          return;
        }
        let cursor: string | null = null;
        const all = isBackward ? [...expected].reverse() : expected;
        for (let seen = 0; seen <= all.length; seen += size) {
          const range: PageArguments = isBackward ? { last: size, before: cursor } : { first: size, after: cursor };
          const page: Page<Message> | undefined = await orTooWide(listMessages(small.gateway, caller, filterOf(asked), order, range));
          if (!page) return;
          const sids = sidsOf(page);
          expect(isBackward ? sids.reverse() : sids).toEqual(all.slice(seen, seen + size));
          expect(isBackward ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage).toBe(seen + size < all.length);
          cursor = isBackward ? page.pageInfo.startCursor : page.pageInfo.endCursor;
        }
      }),
      runs,
    );
    expect(told.answered).toBeGreaterThan(told.tooWide);
    expect(told.tooWide).toBeGreaterThan(0);
  });

  test('each total is exact, or at least what it says', async () => {
    await fc.assert(
      fc.asyncProperty(question(), async (asked) => {
        const expected = reference(asked).length;
        const page = await orTooWide(listMessages(small.gateway, caller, filterOf(asked), asked.order, { first: 1 }));
        if (!page) return;
        const [total, isExact] = [await page.totalCount(), await page.totalCountIsExact()];
        if (isExact) expect(total).toBe(expected);
        else expect(total).toBeLessThanOrEqual(expected);
        if (isKept(filterOf(asked))) expect(isExact).toBe(true);
        told[isExact ? 'exact' : 'inexact'] += 1;
        if (expected > 0 && expected <= 2) expect(total).toBeGreaterThan(0);
      }),
      runs,
    );
    expect(told.exact).toBeGreaterThan(told.inexact);
    expect(told.inexact).toBeGreaterThan(0);
  });

  test('a rare text is found by its index, whatever else is asked for, and counted', async () => {
    await fc.assert(
      fc.asyncProperty(question(), async ({ parts, ...asked }) => {
        const rare: Question = { ...asked, parts: [...parts, [{ body: RARE_BODY }, ({ body }) => body.toLowerCase().includes(RARE_BODY)]] };
        const page = await listMessages(small.gateway, caller, filterOf(rare), asked.order, { first: asked.size, offset: asked.offset });
        const expected = reference(rare);
        const start = asked.offset ?? 0;
        expect(sidsOf(page)).toEqual(expected.slice(start, start + asked.size));
        expect([await page.totalCount(), await page.totalCountIsExact()]).toEqual([expected.length, true]);
      }),
      { numRuns: Math.ceil(runs.numRuns / 3) },
    );
  });

  test('a window of time has an exact total, by the numbers kept of days', async () => {
    const time = fc.integer({ min: -30, max: 300 }).map((hours) => new Date(Date.UTC(2026, 0, 1, hours, hours % 3, 0)));
    const open = fc.option(time, { nil: undefined });
    await fc.assert(
      fc.asyncProperty(open, open, async (createdFrom, createdTo) => {
        const page = await listMessages(small.gateway, caller, { createdFrom, createdTo }, undefined, { first: 1 });
        const expected = rows.filter(
          ({ dateCreated }) => (!createdFrom || dateCreated >= createdFrom) && (!createdTo || dateCreated <= createdTo),
        );
        expect([await page.totalCount(), await page.totalCountIsExact()]).toEqual([expected.length, true]);
      }),
      runs,
    );
    const [first, last] = [new Date('0001-01-01T00:00:00Z'), new Date('9999-12-31T23:59:59.999Z')];
    expect(await (await listMessages(small.gateway, caller, { createdFrom: first, createdTo: last })).totalCount()).toBe(rows.length);
    expect(await (await listMessages(small.gateway, caller, { createdFrom: last })).totalCount()).toBe(0);
  });

  test('each page of each of several parents is right or too wide, and so are their totals', async () => {
    await fc.assert(
      fc.asyncProperty(question(), fc.constantFrom('enterpriseSid' as const, 'mappingSid' as const), async (asked, parentField) => {
        const parents = parentField === 'enterpriseSid' ? enterprises : mappings;
        const { order, size, offset } = asked;
        const pages = await listMessagesOf(small.gateway, caller, parentField, parents, filterOf(asked), order, { first: size, offset });
        for (const [index, page] of pages.entries()) {
          if (page instanceof SearchTooWideError) continue;
          const expected = reference(asked, (row) => row[parentField] === parents[index]);
          expect(sidsOf(page)).toEqual(expected.slice(offset ?? 0, (offset ?? 0) + size));
          if (isKept(filterOf(asked))) expect(await page.totalCountIsExact()).toBe(true);
          if (await page.totalCountIsExact()) expect(await page.totalCount()).toBe(expected.length);
          else expect(await page.totalCount()).toBeLessThanOrEqual(expected.length);
        }
      }),
      runs,
    );
  });

  test('a page proves itself, whatever changes after its statement', async () => {
    const changing = await small.provider();
    const {
      mappings: own,
      enterprises: [parent = ''],
    } = await seed(small.gateway.prisma, changing, 60);
    const { prisma, sql } = small.gateway;
    const hit = await prisma.message.findFirstOrThrow({ where: { organizationSid: changing.organizationSid }, orderBy: { sid: 'desc' } });
    const put = { mappingSid: own[0], enterpriseSid: parent, direction: 'INBOUND' as const, dateCreated: new Date(Date.UTC(2027, 0, 1)) };
    await prisma.message.update({ where: { sid: hit.sid }, data: { ...put, channelErrorMessage: 'zz' } });
    let left = 1;
    const query: typeof sql.query = async (...statement) => {
      const found = await sql.query(...statement);
      if (left-- === 1) await prisma.message.deleteMany({ where: { organizationSid: changing.organizationSid, sid: { not: hit.sid } } });
      return found as never;
    };
    const gateway: Gateway = { ...small.gateway, sql: { ...sql, query } };
    const asker = { organizationSid: changing.organizationSid, permissions: new Set() } as unknown as Caller;
    const page = await orTooWide(listMessages(gateway, asker, { direction: 'INBOUND', channelErrorMessage: 'zz' }));
    expect(left).toBeLessThan(1);
    if (page) expect(sidsOf(page)).toEqual([hit.sid]);
  });

  test('another tenant gets nothing, and is not told how much there is', async () => {
    const stranger = await small.provider();
    const { data, errors } = await stranger.graph(
      'query ($filter: MessageFilter) { messages(filter: $filter) { totalCount totalCountIsExact nodes { sid } } }',
      { filter: { mappingSid: mappings[1], stuck: false } },
    );
    expect(errors).toBeUndefined();
    expect(data.messages).toEqual({ totalCount: 0, totalCountIsExact: true, nodes: [] });
  });
});

describe('both faces', () => {
  test('say SEARCH_TOO_WIDE', async () => {
    const { data, errors } = await provider.graph('query ($filter: MessageFilter) { messages(filter: $filter) { nodes { sid } } }', {
      filter: { from: 'person1', to: 'person2' },
    });
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      { path: ['messages'], extensions: { code: 'SEARCH_TOO_WIDE' }, message: /shorter period.*three letters/ },
    ]);
    const { status, body } = await provider.rest.get('/msteams/messages/search?from=person1&to=person2');
    expect(status).toBe(400);
    expect(body).toEqual({ errorCode: '400', message: expect.stringMatching(/shorter period.*three letters/) });
  });

  test('give the total of a search whose page would be too wide', async () => {
    const filter = { from: 'person1', to: 'person2' };
    const query = (selected: string) =>
      provider.graph(`query ($filter: MessageFilter) { messages(first: 0, filter: $filter) { totalCount ${selected} } }`, { filter });
    for (const selected of ['', 'pageInfo { hasNextPage } edges { node { sid mapping { sid } } }']) {
      const { data, errors } = await query(selected);
      expect(errors).toBeUndefined();
      expect(data.messages.totalCount).toBe(0);
      if (selected) expect(data.messages).toMatchObject({ pageInfo: { hasNextPage: false }, edges: [] });
    }
  });

  test.each(['nowhere', 'zz'])('find that no error says "%s", by an index', async (channelErrorMessage) => {
    const { data } = await provider.graph('query ($filter: MessageFilter) { messages(filter: $filter) { totalCount nodes { sid } } }', {
      filter: { direction: 'INBOUND', channelErrorMessage },
    });
    expect(data.messages).toEqual({ totalCount: 0, nodes: [] });
    const { status, body } = await provider.rest.get<{ total: number }>(
      `/msteams/messages/search?direction=INBOUND&channelErrorMessage=${channelErrorMessage}`,
    );
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ total: 0, numPages: 0, result: [] });
  });

  test('give an exact total beyond the bound by what usage keeps, else one from the bound', async () => {
    const { data } = await provider.graph('{ messages(first: 2, filter: { stuck: false }) { totalCount totalCountIsExact } }');
    expect(data.messages.totalCountIsExact).toBe(false);
    const path = '/msteams/messages/search?pageSize=10&direction=INBOUND';
    const inbound = rows.filter(({ direction }) => direction === 'INBOUND').length;
    const { body } = await provider.rest.get<{ total: number; numPages: number }>(path);
    expect(body.data).toMatchObject({ total: inbound, numPages: Math.ceil(inbound / 10) });
    // Usage keeps the numbers of messages that were deleted.
    const other = await small.provider();
    await seed(small.gateway.prisma, other, MESSAGES);
    await small.gateway.prisma.message.deleteMany({ where: { organizationSid: other.organizationSid, stuck: true } });
    const { body: after } = await other.rest.get<{ total: number; numPages: number }>(path);
    expect(after.data).toMatchObject({ total: SMALL.count, numPages: SMALL.count / 10 });
  });

  test('refuse a page beyond the bound, but for all messages by creation', async () => {
    const ask = (filter: string) =>
      provider.graph(`{ messages(first: 1, offset: 100${filter}) { nodes { sid } } }`).then(({ errors }) => errors?.[0]?.extensions?.code);
    expect(await ask(', filter: { direction: INBOUND }')).toBe('SEARCH_TOO_WIDE');
    expect(await ask('')).toBeUndefined();
  });
});

test('a small organization has every answer', async () => {
  const gateway: Gateway = { ...small.gateway, sql: { ...small.gateway.sql, bounds: { page: MESSAGES, count: MESSAGES } } };
  await fc.assert(
    fc.asyncProperty(question(), async (asked) => {
      const page = await listMessages(gateway, caller, filterOf(asked), asked.order, { first: asked.size });
      const expected = reference(asked);
      expect(sidsOf(page)).toEqual(expected.slice(0, asked.size));
      expect([await page.totalCount(), await page.totalCountIsExact()]).toEqual([expected.length, true]);
    }),
    runs,
  );
});

describe('a narrow list is never too wide', () => {
  const gateway = (): Gateway => ({ ...small.gateway, sql: { ...small.gateway.sql, bounds: { page: 1, count: 1 } } });
  const confined = (enterpriseSid = ''): Caller => ({ ...caller, enterpriseSid });
  const answer = async (read: Promise<Page<{ readonly sid: string }>>) => {
    const page = await read;
    return [sidsOf(page), await page.totalCount(), await page.totalCountIsExact()];
  };

  test('of the bot of one enterprise', async () => {
    const bots = enterprises.map((enterpriseSid, n) => ({
      ...{ sid: `BE${enterpriseSid.slice(2, 24)}${String(n + 100).padStart(10, '0')}`, enterpriseSid },
      ...{ organizationSid: provider.organizationSid, accountSid: provider.accountSid },
      ...{ applicationId: `a${n}`, tenantId: 't', clientSecret: new Uint8Array(), clientSecretHint: '', botAppId: 'b' },
    }));
    await small.gateway.prisma.bot.createMany({ data: bots });
    for (const { sid, enterpriseSid } of bots) {
      expect(await answer(listBots(gateway(), caller, { enterpriseSid, updatedFrom: new Date(0) }))).toEqual([[sid], 1, true]);
    }
  });

  test("of a confined caller's one enterprise", async () => {
    const filter = { statuses: ['ACTIVE' as const], updatedFrom: new Date(0) };
    for (const sid of enterprises) {
      expect(await answer(listEnterprises(gateway(), confined(sid), filter))).toEqual([[sid], 1, true]);
      expect(await answer(listEnterprises(gateway(), confined(sid), { name: 'nowhere' }))).toEqual([[], 0, true]);
    }
  });

  test('of no statuses, or of an enterprise outside the reach', async () => {
    const [own, other] = enterprises;
    expect(await answer(listMessages(gateway(), caller, { statuses: [], stuck: false }))).toEqual([[], 0, true]);
    expect(await answer(listEnterprises(gateway(), caller, { statuses: [] }))).toEqual([[], 0, true]);
    expect(await answer(listMessages(gateway(), confined(own), { enterpriseSid: other, stuck: false }))).toEqual([[], 0, true]);
    expect(await answer(listMappings(gateway(), confined(own), { enterpriseSid: other, name: 'x' }))).toEqual([[], 0, true]);
    const pages = await listMessagesOf(gateway(), caller, 'mappingSid', mappings, { statuses: [] });
    expect(pages.map((page) => page instanceof Error || sidsOf(page))).toEqual(mappings.map(() => []));
  });

  test('that names the own enterprise once more', async () => {
    const [own] = enterprises;
    const page = await listMessages(gateway(), confined(own), { enterpriseSid: own }, undefined, { first: 100 });
    expect(sidsOf(page)).toEqual(
      rows
        .filter(({ enterpriseSid }) => enterpriseSid === own)
        .sort(byCreation)
        .slice(0, 100)
        .map(({ sid }) => sid),
    );
  });

  test.each(['ASC', 'DESC'] as const)('of one domain, sorted by domain, %s', async (direction) => {
    const page = (domain: string) => listMappings(gateway(), caller, { domain }, { field: 'DOMAIN', direction }, { first: 10 });
    expect(sidsOf(await page('b.c'))).toEqual(direction === 'ASC' ? mappings : [...mappings].reverse());
    expect(sidsOf(await page('b.'))).toEqual([]);
  });
});
