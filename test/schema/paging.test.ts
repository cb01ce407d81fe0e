import fc from 'fast-check';
import { getNamedType, isEnumType, isInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import type { Caller } from '../../src/domain/caller.ts';
import type { PageArguments } from '../../src/domain/lists/keyset.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { comparator, type Direction, type ListUnderTest, listsUnderTest, type Row, VALUES } from './list-under-test.ts';

let gateway: TestGateway;
let lists: Map<string, ListUnderTest>;

beforeAll(async () => {
  gateway = await createTestGateway();
  lists = new Map(listsUnderTest(gateway).map((list) => [list.name, list]));
});
afterAll(() => gateway.close());

/** Every list of the schema in every order that it offers. */
const names = Object.values(schema.getQueryType()?.getFields() ?? {}).flatMap((list) => {
  const order = list.args.find(({ name }) => name === 'orderBy');
  const input = order && getNamedType(order.type);
  const field = isInputObjectType(input) && getNamedType(input.getFields().field?.type);
  return isEnumType(field) ? field.getValues().map(({ name }) => `${list.name} by ${name}`) : [];
});

const value = fc.nat({ max: VALUES - 1 });
const direction = fc.constantFrom<Direction>('ASC', 'DESC');
const size = fc.integer({ min: 1, max: 4 });
const rowsOf = (maxLength: number) =>
  fc.uniqueArray(fc.record({ number: fc.nat({ max: 999 }), value }), { selector: ({ number }) => number, maxLength });

type Event =
  | { readonly kind: 'insert'; readonly number: number; readonly value: number }
  | { readonly kind: 'remove'; readonly which: number }
  | { readonly kind: 'remove the row of the cursor' };

/** What happens between two pages, page by page. */
const events: fc.Arbitrary<Event[][]> = fc.array(
  fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('insert' as const), number: fc.nat({ max: 999 }), value }),
      fc.record({ kind: fc.constant('remove' as const), which: fc.nat({ max: 20 }) }),
      fc.record({ kind: fc.constant('remove the row of the cursor' as const) }),
    ),
    { maxLength: 3 },
  ),
  { minLength: 6, maxLength: 6 },
);

test('covers every list in every order', () => {
  expect([...lists.keys()].sort()).toEqual([...names].sort());
  expect(names.length).toBeGreaterThan(10);
});

describe.each(names)('%s', (name) => {
  let caller: Caller;
  let list: ListUnderTest;
  /** What is in the list, and every sid that ever was: none comes back as another row. */
  const present = new Map<string, Row>();
  const ever = new Set<number>();

  beforeAll(async () => {
    const { organizationSid, accountSid } = await gateway.provider();
    caller = { organizationSid, accountSid, permissions: new Set(['read']), requestId: 'test' };
    list = lists.get(name) as ListUnderTest;
  });
  // Other lists use the same sids.
  afterAll(() => begin([]));

  async function insert({ number, value }: { number: number; value: number }) {
    if (ever.has(number)) return;
    ever.add(number);
    const row = await list.insert(caller, number, value);
    present.set(row.sid, row);
  }
  async function remove(sids: readonly (string | undefined)[]) {
    const found = sids.filter((sid) => sid !== undefined).filter((sid) => present.delete(sid));
    if (found.length > 0) await list.remove(found);
  }
  const happen = (event: Event, cursor: Row | undefined) => {
    if (event.kind === 'insert') return insert(event);
    return remove([event.kind === 'remove' ? [...present.keys()][event.which % (present.size || 1)] : cursor?.sid]);
  };
  async function begin(rows: readonly { number: number; value: number }[]) {
    await remove([...present.keys()]);
    ever.clear();
    for (const row of rows) await insert(row);
  }

  const sids = (rows: readonly Row[]) => rows.map(({ sid }) => sid);
  const read = async (way: Direction, page: PageArguments) => {
    const { edges, pageInfo, totalCount } = await list.read(caller, way, page);
    return { sids: edges.map(({ node }) => node.sid), cursors: edges.map(({ cursor }) => cursor), pageInfo, totalCount };
  };

  test('loses and repeats no remaining row, whatever is inserted and deleted between the pages', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf(9), events, direction, size, fc.boolean(), async (rows, changes, way, count, backward) => {
        await begin(rows);
        const atFirst = [...present.keys()];
        const order = comparator(backward === (way === 'ASC') ? 'DESC' : 'ASC');
        const seen: string[] = [];
        let place: Row | undefined;
        let cursor: string | null = null;
        for (let turn = 0; ; turn += 1) {
          const page = await read(way, backward ? { last: count, before: cursor } : { first: count, after: cursor });
          const left = [...present.values()].sort(order).filter((row) => !place || order(row, place) > 0);
          const expected = left.slice(0, count);
          expect(backward ? page.sids.reverse() : page.sids).toEqual(sids(expected));
          expect(backward ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage).toBe(left.length > count);
          expect(await page.totalCount()).toBe(present.size);
          seen.push(...sids(expected));
          if (expected.length < count) break;
          place = expected.at(-1);
          cursor = backward ? page.pageInfo.startCursor : page.pageInfo.endCursor;
          for (const event of changes[turn] ?? []) await happen(event, place);
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen).toEqual(expect.arrayContaining(atFirst.filter((sid) => present.has(sid))));
      }),
      { numRuns: 15 },
    );
  });

  test('returns the same rows forward, backward and by offset, and between two cursors the rows in between', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf(7), direction, size, fc.nat({ max: 7 }), fc.nat({ max: 7 }), async (rows, way, count, one, other) => {
        await begin(rows);
        const expected = sids([...present.values()].sort(comparator(way)));
        const whole = await read(way, { first: 100 });
        expect(whole.sids).toEqual(expected);
        expect((await read(way, { last: 100 })).sids).toEqual(expected);
        for (let offset = 0; offset <= expected.length + count; offset += count) {
          const page = await read(way, { first: count, offset });
          expect(page.sids).toEqual(expected.slice(offset, offset + count));
          expect(page.pageInfo.hasNextPage).toBe(expected.length > offset + count);
        }
        const [after, before] = [whole.cursors[one], whole.cursors[other]];
        const within = expected.slice(after ? one + 1 : 0, before ? other : undefined);
        expect((await read(way, { first: count, after, before })).sids).toEqual(within.slice(0, count));
        expect((await read(way, { last: count, after, before })).sids).toEqual(within.slice(-count));
      }),
      { numRuns: 6 },
    );
  });
});
