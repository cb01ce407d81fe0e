import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/database/connect.ts';
import { type CountedList, readTotal } from '../../../src/database/lists/kept-counts.ts';
import { type Packing, selectPacked } from '../../../src/database/lists/packed.ts';
import { selectRows } from '../../../src/database/lists/select.ts';
import type { Range } from '../../../src/database/lists/table.ts';
import { createTestDatabase } from '../../support/database.ts';
import { fill } from './hostile-rows.ts';

const MESSAGES = { name: 'message', fields: ['sid'] as never[], owner: 'organizationSid' as never } as const;
const ALL: CountedList = { owner: 'OR1', counts: { totals: 'message_count', days: 'message_day', dayOf: 'dateCreated' } };
const SIDS: Packing = { fields: [{ field: 'sid', nullable: false, list: false }], ordered: true, counted: true };
const HOUR = 3_600_000;

let database: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  await fill(database);
  // In disorder, over sixty days, some of them left out, several at one instant, and some on a midnight.
  const rows = Array.from({ length: 3000 }, (_, index) => message(`MX${index}`, ((index * 7919) % 60) * 24 + (index % 5) * 6));
  for (let first = 0; first < rows.length; first += 500) await createMessages(rows.slice(first, first + 500));
  const { prisma } = database;
  await prisma.message.deleteMany({ where: { dateCreated: { gte: at(20 * 24), lt: at(22 * 24) } } });
  await prisma.message.updateMany({ where: { sid: { in: ['MX1', 'MX2', 'MX3'] } }, data: { dateCreated: at(21 * 24) } });
  await prisma.message.updateMany({ where: { sid: { startsWith: 'MX29' } }, data: { channelStatus: 'SENT', dateCreated: at(-1) } });
});
afterAll(() => database.close());

const at = (hours: number) => new Date(Date.UTC(2026, 0, 1) + hours * HOUR);
const message = (sid: string, hours: number) => ({ sid, dateCreated: at(hours) });

const SAME = {
  organizationSid: 'OR1',
  enterpriseSid: 'EN1',
  accountSid: 'AC1',
  direction: 'INBOUND',
  channelStatus: 'QUEUED',
  statusRank: 0,
  from: 'a',
  fromFolded: 'a',
  to: 'b',
  toFolded: 'b',
} as const;
const createMessages = (rows: readonly ReturnType<typeof message>[]) =>
  database.prisma.message.createMany({ data: rows.map((row) => ({ ...SAME, ...row })) });

const range = fc.record({
  skip: fc.integer({ min: 990, max: 3100 }),
  take: fc.integer({ min: 0, max: 30 }),
  orderBy: fc.constantFrom('asc' as const, 'desc' as const).map((way): Range['orderBy'] => [{ dateCreated: way }, { sid: way }]),
  where: fc.constant({ organizationSid: 'OR1' }),
});

describe('the maintained counts of messages', () => {
  test('match the rows, in total and for each day, after any inserts, moves and deletes', async () => {
    const counted = await database.sql.query(
      `SELECT organization_sid, (date_created AT TIME ZONE 'UTC')::date::text AS day, count(*)::int AS messages FROM message GROUP BY 1, 2 ORDER BY 1, 2`,
      [],
    );
    const kept = await database.sql.query(
      'SELECT organization_sid, day::text, messages::int FROM message_day WHERE messages <> 0 ORDER BY 1, 2',
      [],
    );
    expect(kept).toEqual(counted);
    const total = await database.prisma.message.count({ where: { organizationSid: 'OR1' } });
    expect(await readTotal(database.sql, ALL)).toBe(total);
    expect(
      await selectPacked(
        database.sql,
        MESSAGES,
        { where: { organizationSid: 'OR1' }, orderBy: [{ sid: 'asc' }], take: 1, skip: 0 },
        SIDS,
        ALL,
      ),
    ).toMatchObject({ total });
    expect(await readTotal(database.sql, { ...ALL, owner: 'OR9' })).toBe(0);
  });

  test('lead to the page that Prisma finds, deep in the list, forward and backward', async () => {
    await fc.assert(
      fc.asyncProperty(range, async (given) => {
        const sids = (await database.prisma.message.findMany({ ...given, select: { sid: true } })).map(({ sid }) => sid);
        const rows = await selectRows<{ sid: string }>(database.sql, MESSAGES, given, ['sid'], ALL);
        expect(rows.map(({ sid }) => sid)).toEqual(sids);
        expect((await selectPacked(database.sql, MESSAGES, given, SIDS, ALL)).rows.map(([sid]) => sid)).toEqual(sids);
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 150) },
    );
  });

  test('are empty after a TRUNCATE', async () => {
    await database.sql.query('TRUNCATE message CASCADE', []);
    expect(await readTotal(database.sql, ALL)).toBe(0);
    expect(await database.sql.query('SELECT * FROM message_day', [])).toEqual([]);
  });
});
