import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChannelStatus, type Message, Prisma } from '../../../prisma/client/client.ts';
import { createReadTogether } from '../../../src/database/batches/read-together.ts';
import type { Database } from '../../../src/database/connect.ts';
import { countRows, countRowsOf, selectRows, selectRowsOf } from '../../../src/database/lists/select.ts';
import type { Range } from '../../../src/database/lists/table.ts';
import type { Sql } from '../../../src/database/sql.ts';
import { MESSAGES as INDEXED_MESSAGES } from '../../../src/domain/messages/messages.ts';
import { createTestDatabase } from '../../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  const { prisma } = database;
  await prisma.organization.create({ data: { sid: 'OR1', name: 'One' } });
  const digest = { tokenDigest: new Uint8Array(32), tokenKeyId: 'key' };
  await prisma.account.create({
    data: { sid: 'AC1', organizationSid: 'OR1', email: 'a@b.example', friendlyName: 'a', permissions: [], ...digest },
  });
  for (const sid of PARENTS) {
    await prisma.enterprise.create({ data: { sid, organizationSid: 'OR1', accountSid: 'AC1', name: sid, nameFolded: sid } });
  }
  await prisma.message.createMany({ data: Array.from({ length: 60 }, (_, index) => row(index)) });
});
afterAll(() => database.close());

const PARENTS = ['EN1', 'EN2', 'EN3'];
const TEXTS = ['', 'a', 'ab', 'a%b', 'a_b', 'back\\slash', 'ÄÖ', 'Straße', '+49'];
/** Few, so that many are equal, and those that are hard to read: before 1970, before 1000, on the millisecond. */
const TIMES = [
  '2026-11-05T11:59:34.120Z',
  '2026-11-05T11:59:34.001Z',
  '2026-11-05T11:59:34Z',
  '1969-12-31T23:59:59.999Z',
  '0950-01-01T00:00:00.010Z',
  '0050-06-01T00:00:00Z',
];
const time = (index: number) => new Date(TIMES[index % TIMES.length] as string);

function row(index: number) {
  const text = TEXTS[index % TEXTS.length] as string;
  const status = Object.values(ChannelStatus)[index % 8] as ChannelStatus;
  return {
    sid: `MS${String((index * 7919) % 1000)}`,
    organizationSid: 'OR1',
    enterpriseSid: PARENTS[index % 2] as string,
    accountSid: 'AC1',
    direction: index % 3 ? ('INBOUND' as const) : ('OUTBOUND' as const),
    from: text,
    fromFolded: text,
    to: text,
    toFolded: text,
    mediaUrls: index % 5 ? [] : ['https://a.example/{"}', 'x,y'],
    segments: index,
    channelStatus: status,
    statusRank: 0,
    channelErrorCode: index % 4 ? text : null,
    stuck: index % 6 === 0,
    dateCreated: time(index),
    dateUpdated: time(index + 1),
  };
}

const MESSAGES = { name: 'message', fields: Object.values(Prisma.MessageScalarFieldEnum), owner: 'organizationSid' } as const;

const text = fc.constantFrom(...TEXTS.map((value) => value.replace(/[\\%_]/g, '\\$&')));
const instant = fc.nat(TIMES.length).map(time);
const demand: fc.Arbitrary<object> = fc.oneof(
  fc.record({ enterpriseSid: fc.constantFrom(...PARENTS) }),
  fc.record({ stuck: fc.boolean() }),
  fc.record({ mappingSid: fc.constant(null) }),
  fc.record({ direction: fc.constantFrom('INBOUND', 'OUTBOUND') }),
  fc.record({ channelStatus: fc.record({ in: fc.subarray(Object.values(ChannelStatus)) }) }),
  fc.record({ fromFolded: fc.record({ startsWith: text }) }),
  fc.record({ toFolded: fc.record({ contains: text }) }),
  fc.record({ channelErrorCode: fc.record({ contains: text, mode: fc.constant('insensitive') }) }),
  fc.record({ fromFolded: fc.oneof(fc.record({ gt: text }), fc.record({ lt: text })) }),
  fc.record({ dateCreated: fc.oneof(fc.record({ gte: instant }), fc.record({ lte: instant })) }),
);
const leaf: fc.Arbitrary<object> = fc.oneof(
  demand,
  fc.record({ dateCreated: fc.record({ gte: fc.option(instant, { nil: undefined }), lte: fc.option(instant, { nil: undefined }) }) }),
  fc.constant({}),
);
const where = fc.letrec<{ part: object }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ AND: fc.array(tie('part'), { maxLength: 3 }) }),
    // Of conditions that demand something: Prisma passes over the others in an OR, and lists have none there.
    fc.record({
      OR: fc.array(fc.oneof(demand, fc.record({ AND: fc.array(demand, { minLength: 1, maxLength: 3 }) })), { minLength: 1, maxLength: 3 }),
    }),
    fc.tuple(leaf, tie('part')).map(([own, part]) => ({ ...own, AND: [part] })),
  ),
})).part;
const range: fc.Arbitrary<Range> = fc.record({
  where,
  orderBy: fc
    .tuple(fc.constantFrom('dateCreated', 'fromFolded', 'toFolded', 'enterpriseSid'), fc.constantFrom('asc' as const, 'desc' as const))
    .map(([field, way]): Record<string, 'asc' | 'desc'>[] => [{ [field]: way }, { sid: way }]),
  take: fc.nat(30),
  skip: fc.nat(10),
});

const runs = { numRuns: Number(process.env.PROPERTY_RUNS ?? 150) };
const reference = (given: Range) => database.prisma.message.findMany(given as Parameters<typeof database.prisma.message.findMany>[0]);

/** Rows that were read with others' know their place among them. */
const shown = (rows: readonly (Message & { request_place?: number })[] | undefined) => rows?.map(({ request_place: _, ...row }) => row);

describe('a list read by one prepared statement', () => {
  test("has the rows of Prisma's findMany, in its order, value by value, for any condition, order and page", async () => {
    await fc.assert(
      fc.asyncProperty(range, async (given) => {
        expect(await selectRows<Message>(database.sql, MESSAGES, given)).toEqual(await reference(given));
      }),
      runs,
    );
  });

  test('also has them if many pages are read in one turn', async () => {
    const place = fc.record({ value: fc.oneof(instant, text), sid: fc.constantFrom('MS0', 'MS500', 'MS999') });
    const quick = fc
      .record({
        owner: fc.constantFrom('OR1', 'OR2'),
        field: fc.constantFrom('dateCreated', 'fromFolded'),
        place: fc.option(place),
        way: fc.constantFrom('asc' as const, 'desc' as const),
        take: fc.nat(20),
      })
      .map(({ owner, field, place: from, way, take }): Range => {
        const fits = from && from.value instanceof Date === (field === 'dateCreated');
        const behind = fits ? [{ OR: [{ [field]: { gt: from.value } }, { [field]: from.value, sid: { gt: from.sid } }] }] : [];
        return { where: { AND: [{ organizationSid: owner }, ...behind] }, orderBy: [{ [field]: way }, { sid: way }], take, skip: 0 };
      });
    await fc.assert(
      fc.asyncProperty(fc.array(quick, { minLength: 2, maxLength: 40 }), async (given) => {
        const found = await Promise.all(given.map((one) => selectRows<Message>(database.sql, MESSAGES, one)));
        for (const [index, one] of given.entries()) expect(shown(found[index])).toEqual(await reference(one));
      }),
      { numRuns: Math.ceil(runs.numRuns / 10) },
    );
  });

  test('also has them far behind, where rows of one time are found by the time alone', async () => {
    const { prisma } = database;
    // Times of one row, of a few, and of more than are looked at together.
    const times = [...Array.from({ length: 1500 }, (_, index) => Math.floor(index / 3)), ...Array(1200).fill(700), 701, 702, 702];
    const data = times.map((second, index) => ({
      ...{ ...row(1), sid: `MF${String((index * 7919) % 10_007).padStart(5, '0')}`, enterpriseSid: 'EN3', direction: 'OUTBOUND' as const },
      dateCreated: new Date(Date.UTC(2026, 0, 1) + second * 1000),
    }));
    await prisma.message.createMany({ data });
    const far = fc.record({
      skip: fc.oneof(fc.integer({ min: 1000, max: times.length + 5 }), fc.constantFrom(1000, 1499, 1500, 1501, 2600, 2700, 2702, 2703)),
      way: fc.constantFrom('asc' as const, 'desc' as const),
      where: fc.constantFrom<object>(
        { enterpriseSid: 'EN3' },
        { direction: 'OUTBOUND', dateCreated: { gte: new Date(Date.UTC(2026, 0, 1)) } },
        { mappingSid: 'BE3' },
        { dateCreated: { gte: new Date(Date.UTC(2026, 0, 1)) } },
      ),
    });
    await fc.assert(
      fc.asyncProperty(far, async ({ skip, way, where: filter }) => {
        const given: Range = {
          where: { AND: [{ organizationSid: 'OR1' }, filter] },
          orderBy: [{ dateCreated: way }, { sid: way }],
          take: 5,
          skip,
        };
        expect(await selectRows<Message>(database.sql, INDEXED_MESSAGES, given)).toEqual(await reference(given));
      }),
      { numRuns: 40 },
    );
    await prisma.message.deleteMany({ where: { enterpriseSid: 'EN3' } });
  });

  test('is one statement for all reads of a turn; if one of them fails, it fails alone', async () => {
    const asked: string[] = [];
    const query: Sql['query'] = (text, values) => {
      asked.push(text);
      return database.sql.query(text, values);
    };
    const sql: Sql = { ...database.sql, query, readTogether: createReadTogether(query) };
    const page = (owner: string) =>
      selectRows<Message>(sql, MESSAGES, {
        where: { organizationSid: owner },
        orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
        take: 5,
        skip: 0,
      });
    const pages = await Promise.all(['OR1', 'OR2', 'OR1'].map(page));
    expect(pages.map((rows) => rows.length)).toEqual([5, 0, 5]);
    expect(asked).toHaveLength(1);

    const outcomes = await Promise.allSettled(['OR1', 'no text for PostgreSQL: \0', 'OR1'].map(page));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(asked).toHaveLength(5);
  });

  test('of several parents at once has the same rows as of each alone', async () => {
    await fc.assert(
      fc.asyncProperty(range, async (given) => {
        const each = PARENTS.map((enterpriseSid) => reference({ ...given, where: { AND: [given.where, { enterpriseSid }] } }));
        const found = (await selectRowsOf<Message>(database.sql, MESSAGES, 'enterpriseSid', PARENTS, given)) as Message[][];
        expect(found.map((rows) => rows.map(({ sid }) => sid))).toEqual(
          (await Promise.all(each)).map((rows) => rows.map(({ sid }) => sid)),
        );
      }),
      runs,
    );
  });

  test('is counted as by Prisma, in total and for each parent', async () => {
    await fc.assert(
      fc.asyncProperty(where, async (given) => {
        const count = (condition: object) => database.prisma.message.count({ where: condition });
        expect(await countRows<Message>(database.sql, MESSAGES, given)).toBe(await count(given));
        const each = await Promise.all(PARENTS.map((enterpriseSid) => count({ AND: [given, { enterpriseSid }] })));
        expect(await countRowsOf<Message>(database.sql, MESSAGES, 'enterpriseSid', PARENTS, given)).toEqual(each);
      }),
      runs,
    );
  });

  test('has the rows that have one in another table', async () => {
    const where = { EXISTS: { table: 'awaited_report', of: 'message', by: { organizationSid: 'organizationSid', messageSid: 'sid' } } };
    const given = { orderBy: [{ sid: 'asc' as const }], take: 100, skip: 0 };
    const awaited = await reference({ ...given, where: { channelStatus: { in: ['SENDING', 'SENT'] } } });
    expect(awaited.length).toBeGreaterThan(0);
    expect(await selectRows<Message>(database.sql, MESSAGES, { ...given, where })).toEqual(awaited);
  });

  test('refuses unknown conditions', async () => {
    const unknown = { where: { from: { endsWith: 'a' } }, orderBy: [{ sid: 'asc' as const }], take: 1, skip: 0 };
    await expect((async () => selectRows<Message>(database.sql, MESSAGES, unknown))()).rejects.toThrow(TypeError);
  });

  test.each(['message', 'mapping', 'enterprise', 'bot'] as const)('of %s names existing columns', async (name) => {
    const model = `${name[0]?.toUpperCase()}${name.slice(1)}ScalarFieldEnum` as 'MessageScalarFieldEnum';
    const table = { name, fields: Object.values(Prisma[model]) };
    await expect(selectRows(database.sql, table, { where: {}, orderBy: [{ sid: 'asc' }], take: 1, skip: 0 })).resolves.toBeInstanceOf(
      Array,
    );
  });
});
