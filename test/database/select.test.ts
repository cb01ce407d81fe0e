import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChannelStatus, type Message, Prisma } from '../../prisma/client/client.ts';
import type { Database } from '../../src/database/connect.ts';
import { countRows, countRowsOf, type Range, selectRows, selectRowsOf } from '../../src/database/select.ts';
import { createTestDatabase } from '../support/database.ts';

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

const MESSAGES = { name: 'message', fields: Object.values(Prisma.MessageScalarFieldEnum) } as const;

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

describe('a list read by one prepared statement', () => {
  test("has the rows that Prisma's findMany has, in its order, value by value, whatever the condition, order and page", async () => {
    await fc.assert(
      fc.asyncProperty(range, async (given) => {
        expect(await selectRows<Message>(database.sql, MESSAGES, given)).toEqual(await reference(given));
      }),
      runs,
    );
  });

  test('of several parents at once has what each alone has', async () => {
    await fc.assert(
      fc.asyncProperty(range, async (given) => {
        const each = PARENTS.map((enterpriseSid) => reference({ ...given, where: { AND: [given.where, { enterpriseSid }] } }));
        const found = await selectRowsOf<Message>(database.sql, MESSAGES, 'enterpriseSid', PARENTS, given);
        expect(found.map((rows) => rows.map(({ sid }) => sid))).toEqual(
          (await Promise.all(each)).map((rows) => rows.map(({ sid }) => sid)),
        );
      }),
      runs,
    );
  });

  test('is counted as Prisma counts it, in all and for each parent', async () => {
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

  test('takes no condition that it does not know', async () => {
    const unknown = { where: { from: { endsWith: 'a' } }, orderBy: [{ sid: 'asc' as const }], take: 1, skip: 0 };
    await expect((async () => selectRows<Message>(database.sql, MESSAGES, unknown))()).rejects.toThrow(TypeError);
  });

  test.each(['message', 'mapping', 'enterprise', 'bot'] as const)('of %s names columns that are there', async (name) => {
    const model = `${name[0]?.toUpperCase()}${name.slice(1)}ScalarFieldEnum` as 'MessageScalarFieldEnum';
    const table = { name, fields: Object.values(Prisma[model]) };
    await expect(selectRows(database.sql, table, { where: {}, orderBy: [{ sid: 'asc' }], take: 1, skip: 0 })).resolves.toBeInstanceOf(
      Array,
    );
  });
});
