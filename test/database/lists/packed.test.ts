import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChannelStatus } from '../../../prisma/client/client.ts';
import { createReadTogether } from '../../../src/database/batches/read-together.ts';
import type { Database } from '../../../src/database/connect.ts';
import { instant } from '../../../src/database/instants.ts';
import {
  type PackedField,
  type PackedRow,
  type PackedRows,
  type Packing,
  selectPacked,
  selectPackedOf,
  UnpackableError,
} from '../../../src/database/lists/packed.ts';
import type { Range } from '../../../src/database/lists/table.ts';
import type { Sql } from '../../../src/database/sql.ts';
import { createTestDatabase } from '../../support/database.ts';
import { fill, PARENTS, TEXTS, time } from './hostile-rows.ts';

let database: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  await fill(database);
});
afterAll(() => database.close());

const MESSAGES = { name: 'message', fields: [], owner: 'organizationSid' as never } as const;
const NULLABLE = ['mappingSid', 'channelErrorCode', 'channelErrorMessage', 'restcommMessageSid', 'statusAsked'];
const TEXT = ['sid', 'enterpriseSid', 'direction', 'type', 'from', 'toFolded', 'body', 'encoding', 'channelStatus'];
const OTHER = ['mediaUrls', 'segments', 'possiblyDuplicated', 'stuck', 'dateCreated', 'dateUpdated'];
const FIELDS = [...NULLABLE, ...TEXT, ...OTHER].map(
  (field): PackedField => ({ field, nullable: NULLABLE.includes(field), list: field === 'mediaUrls' }),
);

type Shown = Record<string, unknown>;
const reference = (given: Range) => database.prisma.message.findMany(given as object) as Promise<Shown[]>;

/** The value that PostgreSQL wrote so. */
function readBack(text: string, { field, nullable, list }: PackedField): unknown {
  if (nullable) return text === '' ? null : readBack(text.slice(1), { field, nullable: false, list });
  if (list) return JSON.parse(text);
  if (['dateCreated', 'dateUpdated', 'statusAsked'].includes(field)) return instant(text);
  if (field === 'segments') return Number(text);
  return ['possiblyDuplicated', 'stuck'].includes(field) ? text.startsWith('t') : text;
}

/** The fields asked for, then those of the order where they are wanted. */
const readBy = ({ fields, ordered }: Packing, { orderBy }: Range) => [
  ...fields,
  ...(ordered ? orderBy.flatMap(Object.keys).map((field) => ({ field, nullable: false, list: false })) : []),
];

/** Of these rows, each has what the packed ones have, in their order. */
function expectSame(packed: readonly PackedRow[] | undefined, rows: readonly Shown[], packing: Packing, range: Range) {
  const read = readBy(packing, range);
  expect(packed?.map((values) => values.map((text, place) => readBack(text, read[place] as PackedField)))).toEqual(
    rows.map((shown) => read.map(({ field }) => shown[field])),
  );
}

const packing: fc.Arbitrary<Packing> = fc.oneof(
  fc.record({ fields: fc.shuffledSubarray(FIELDS), ordered: fc.constant(true) }),
  fc.record({ fields: fc.shuffledSubarray(FIELDS, { minLength: 1 }), ordered: fc.constant(false) }),
  // A row of one value, which may be empty.
  fc.record({ fields: fc.constantFrom(...FIELDS).map((field) => [field]), ordered: fc.constant(false) }),
);
/** All that can be read. */
const ALL: Packing = { fields: FIELDS, ordered: true };
const where: fc.Arbitrary<object> = fc.array(
  fc.oneof(
    fc.record({ enterpriseSid: fc.constantFrom(...PARENTS) }),
    fc.record({ stuck: fc.boolean() }),
    fc.record({ channelErrorCode: fc.constant(null) }),
    fc.record({ channelStatus: fc.record({ in: fc.subarray(Object.values(ChannelStatus)) }) }),
    fc.record({ fromFolded: fc.record({ gt: fc.constantFrom(...TEXTS) }) }),
    fc.record({ toFolded: fc.record({ startsWith: fc.constantFrom('', '=', 'a') }) }),
    fc.record({ OR: fc.constant([{ dateCreated: { gte: time(2) } }, { segments: { lt: 20 } }]) }),
  ),
  { maxLength: 2 },
);
const orderBy = fc
  .tuple(fc.constantFrom('dateCreated', 'fromFolded', 'enterpriseSid', 'sid'), fc.constantFrom('asc' as const, 'desc' as const))
  .map(([field, way]): Range['orderBy'] => (field === 'sid' ? [{ sid: way }] : [{ [field]: way }, { sid: way }]));
const rangeOf = (owner: string, take: number): fc.Arbitrary<Range> =>
  fc.record({
    where: where.map((parts) => ({ AND: [{ organizationSid: owner }, ...(parts as object[])] })),
    orderBy,
    take: fc.nat(take),
    skip: fc.oneof(fc.constant(0), fc.nat(10)),
  });

const runs = { numRuns: Number(process.env.PROPERTY_RUNS ?? 150) };

describe('packed rows', () => {
  test("equal the rows of Prisma's findMany, in its order, value by value, for any fields, condition, order and page", async () => {
    await fc.assert(
      fc.asyncProperty(rangeOf('OR1', 30), packing, async (range, shown) => {
        expectSame((await selectPacked(database.sql, MESSAGES, range, shown)).rows, await reference(range), shown, range);
      }),
      runs,
    );
  });

  test('are those of each parent if several are requested at once', async () => {
    await fc.assert(
      fc.asyncProperty(rangeOf('OR1', 30), packing, async (range, shown) => {
        const found = (await selectPackedOf(database.sql, MESSAGES, 'enterpriseSid', PARENTS, range, shown)) as PackedRows[];
        expect(found.length).toBe(PARENTS.length);
        for (const [place, enterpriseSid] of PARENTS.entries()) {
          const own = await reference({ ...range, where: { AND: [range.where, { enterpriseSid }] } });
          expectSame(found[place]?.rows, own, shown, range);
        }
      }),
      runs,
    );
  });

  test('belong to their own page if many pages are read in one turn, with and without parents', async () => {
    const asked = fc.record({
      where: fc.constantFrom('OR1', 'OR1', 'OR3').map((organizationSid) => ({ AND: [{ organizationSid }] })),
      orderBy,
      take: fc.nat(20),
      skip: fc.constant(0),
      ofParents: fc.boolean(),
    });
    const many = fc.tuple(packing, fc.array(asked, { minLength: 2, maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(many, async ([shown, ranges]) => {
        const found = await Promise.all(
          ranges.map(({ ofParents, ...range }) =>
            ofParents
              ? (selectPackedOf(database.sql, MESSAGES, 'enterpriseSid', ['EN2', 'EN1'], range, shown) as Promise<PackedRows[]>)
              : selectPacked(database.sql, MESSAGES, range, shown).then((pack) => [pack]),
          ),
        );
        for (const [index, { ofParents, ...range }] of ranges.entries()) {
          const parents = ofParents ? [{ enterpriseSid: 'EN2' }, { enterpriseSid: 'EN1' }] : [{}];
          for (const [place, parent] of parents.entries()) {
            const own = await reference({ ...range, where: { AND: [range.where, parent] } });
            expectSame(found[index]?.[place]?.rows, own, shown, range);
          }
        }
      }),
      { numRuns: Math.ceil(runs.numRuns / 10) },
    );
  });

  test('are empty if there are none, and are counted if none of their values is requested', async () => {
    const range: Range = { where: { organizationSid: 'OR1' }, orderBy: [{ sid: 'asc' }], take: 3, skip: 0 };
    const sids = (await reference(range)).map(({ sid }) => [sid]);
    expect((await selectPacked(database.sql, MESSAGES, range, { fields: [], ordered: true })).rows).toEqual(sids);
    expect((await selectPacked(database.sql, MESSAGES, { ...range, where: { organizationSid: 'OR3' } }, ALL)).rows).toEqual([]);
    expect((await selectPacked(database.sql, MESSAGES, { ...range, take: 0 }, ALL)).rows).toEqual([]);
  });
});

describe('a value that contains a separator', () => {
  const isSeparated = (value: unknown) => typeof value === 'string' && (value.includes('\x1e') || value.includes('\x1f'));

  test('makes its page unpackable, but no page that does not read it: no row is ever wrong', async () => {
    let unpackable = 0;
    await fc.assert(
      fc.asyncProperty(rangeOf('OR2', 6), packing, async (range, shown) => {
        const rows = await reference(range);
        const packed = selectPacked(database.sql, MESSAGES, range, shown);
        const holds = rows.some((one) => readBy(shown, range).some(({ field }) => isSeparated(one[field])));
        if (!holds) return expectSame((await packed).rows, rows, shown, range);
        unpackable += 1;
        await expect(packed).rejects.toThrow(UnpackableError);
      }),
      runs,
    );
    expect(unpackable).toBeGreaterThan(0);
  });

  test('makes it unpackable even if it looks exactly like two whole rows', async () => {
    const others = FIELDS.filter(({ field }) => field !== 'body');
    const [body] = FIELDS.filter(({ field }) => field === 'body') as [PackedField];
    for (const [length, ordered] of [1, 2, 3, 5].flatMap((one) => [[one, true] as const, [one, false] as const])) {
      for (let place = 0; place < length; place += 1) {
        const fields = others.slice(0, length - 1).toSpliced(place, 0, body);
        const behind = length - 1 - place + (ordered ? 1 : 0);
        const forged = `${'\x1f'.repeat(behind)}\x1e${'\x1f'.repeat(place)}`;
        await database.prisma.message.update({ where: { sid: 'MT1' }, data: { body: forged } });
        const range: Range = { where: { sid: 'MT1' }, orderBy: [{ sid: 'asc' }], take: 2, skip: 0 };
        await expect(selectPacked(database.sql, MESSAGES, range, { fields, ordered })).rejects.toThrow(UnpackableError);
      }
    }
  });

  test('does not affect the pages that are read together with its own', async () => {
    const asked: string[] = [];
    const query: Sql['query'] = (text, values) => {
      asked.push(text);
      return database.sql.query(text, values);
    };
    const sql: Sql = { ...database.sql, query, readTogether: createReadTogether(query) };
    const page = (organizationSid: string): Range => ({ where: { organizationSid }, orderBy: [{ sid: 'asc' }], take: 50, skip: 0 });
    const [one, other, two] = await Promise.allSettled(['OR1', 'OR2', 'OR1'].map((sid) => selectPacked(sql, MESSAGES, page(sid), ALL)));
    expect(asked).toHaveLength(1);
    expect(other).toMatchObject({ status: 'rejected', reason: new UnpackableError() });
    for (const outcome of [one, two]) {
      if (outcome?.status !== 'fulfilled') throw new Error('it was refused');
      expectSame(outcome.value.rows, await reference(page('OR1')), ALL, page('OR1'));
    }
  });
});
