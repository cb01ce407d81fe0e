import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ChannelStatus } from '../../../prisma/client/client.ts';
import type { Database } from '../../../src/database/connect.ts';
import type { Caller } from '../../../src/domain/caller.ts';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { acceptMessage } from '../../../src/domain/messages/message-log.ts';
import { statusRank } from '../../../src/domain/messages/message-status.ts';
import { reportStatus } from '../../../src/domain/messages/status-reports.ts';
import { DELIVERY_BOUNDS, deliveryQuantile } from '../../../src/domain/usage/delivery-times.ts';
import { fillUsage, foldUsage } from '../../../src/domain/usage/fold-usage.ts';
import { readUsage, type UsageDimension, type Used } from '../../../src/domain/usage/usage.ts';
import { DAY_MS, HOUR_MS, type UsageGranularity } from '../../../src/domain/usage/usage-buckets.ts';
import { coverOf, GRAINS } from '../../../src/domain/usage/usage-grains.ts';
import { kindOf, numberOf, type UsageKind } from '../../../src/domain/usage/usage-kinds.ts';
import { newSid } from '../../../src/domain/values/sid.ts';
import { createTestDatabase } from '../../support/database.ts';

// Usage is what a count over the messages says, however they were stored and changed, and whether or not it has been added up yet.

const ENTERPRISES = ['EN1', 'EN2'];
const MAPPINGS = ['BE1', 'BE2', 'BE3'];
const DELIVERED: readonly ChannelStatus[] = ['DELIVERED', 'READ'];
const FAILED: readonly ChannelStatus[] = ['FAILED', 'UNDELIVERED'];
const QUARTER_MS = 15 * 60_000;

let database: Database;
let gateway: Gateway;
const caller: Caller = { organizationSid: 'OR1', accountSid: 'AC1', permissions: new Set(['read']), requestId: 'test' };

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = { sql: database.sql, prisma: database.prisma } as unknown as Gateway;
  const { prisma } = database;
  const digest = { tokenDigest: new Uint8Array(32), tokenKeyId: 'key' };
  await prisma.organization.create({ data: { sid: 'OR1', name: 'One' } });
  await prisma.account.create({ data: { sid: 'AC1', organizationSid: 'OR1', email: 'a@b.example', friendlyName: 'a', ...digest } });
  for (const sid of ENTERPRISES)
    await prisma.enterprise.create({ data: { sid, organizationSid: 'OR1', accountSid: 'AC1', name: sid, nameFolded: sid } });
});
beforeEach(begin);
afterAll(() => database.close());

async function begin(): Promise<void> {
  await database.pool.query(
    'TRUNCATE message CASCADE; DELETE FROM usage_slot; DELETE FROM usage_change; DELETE FROM mapping; DELETE FROM usage_fill',
  );
  for (const [index, sid] of MAPPINGS.entries()) {
    const address = { microsoftAddress: 'a@e.example', microsoftAddressFolded: 'a@e.example', microsoftDomain: 'e.example' };
    const digits = `49300000000${index}`;
    await database.prisma.mapping.create({
      data: {
        ...{ sid, organizationSid: 'OR1', enterpriseSid: enterpriseOf(sid), accountSid: 'AC1', name: sid, nameFolded: sid },
        ...{ externalAddress: `+${digits}`, externalDigits: digits, ...address },
      },
    });
  }
}
const enterpriseOf = (mappingSid: string) => ENTERPRISES[MAPPINGS.indexOf(mappingSid) % 2] as string;

const between = (mappingSid: string, direction: 'INBOUND' | 'OUTBOUND', body = 'Hello') => ({
  ...{ organizationSid: 'OR1', enterpriseSid: enterpriseOf(mappingSid), mappingSid, accountSid: 'AC1', direction, body },
  ...{ from: '+15550100', to: '+15550101', lane: `${direction} ${mappingSid}` },
});

/** Around changes of clocks in both hemispheres. */
const DAYS = ['2026-03-08', '2026-03-29', '2026-04-05', '2026-10-25', '2026-11-01', '2026-12-31'].map((day) => Date.parse(day));
const ZONES = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Asia/Kathmandu', 'America/Havana', 'Australia/Lord_Howe'],
  ...['America/St_Johns', 'Pacific/Auckland'],
];

const minutes = fc.record({ day: fc.constantFrom(...DAYS), minute: fc.integer({ min: -36 * 60, max: 60 * 60 }) });
const timeOf = ({ day, minute }: { day: number; minute: number }) => day + minute * 60_000;

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('store' as const),
        messages: fc.array(
          fc.record({
            mapping: fc.nat(MAPPINGS.length - 1),
            direction: fc.constantFrom('INBOUND' as const, 'OUTBOUND' as const),
            type: fc.constantFrom('SMS' as const, 'MMS' as const),
            segments: fc.integer({ min: 1, max: 4 }),
            time: minutes,
            status: fc.constantFrom<ChannelStatus>('QUEUED', 'DELIVERED', 'FAILED'),
            took: fc.integer({ min: 0, max: 100_000 }),
          }),
          { minLength: 1, maxLength: 8 },
        ),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('status' as const),
        places: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
        status: fc.constantFrom<ChannelStatus>('QUEUED', 'SENT', 'DELIVERED', 'FAILED', 'READ'),
        took: fc.integer({ min: 0, max: 100_000 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('fold' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), mapping: fc.nat(MAPPINGS.length - 1) }) },
  ),
  { minLength: 1, maxLength: 10 },
);

const questions = fc.record({
  granularity: fc.constantFrom<UsageGranularity>('HOUR', 'DAY', 'MONTH'),
  timeZone: fc.constantFrom(...ZONES),
  groupBy: fc.uniqueArray(fc.constantFrom<UsageDimension>('ENTERPRISE', 'MAPPING', 'DIRECTION', 'STATUS', 'TYPE'), { maxLength: 3 }),
  since: minutes,
  days: fc.integer({ min: 1, max: 400 }),
  filter: fc.constantFrom(
    {},
    { direction: 'INBOUND' as const },
    { enterpriseSid: 'EN1' },
    { mappingSid: 'BE2' },
    { type: 'MMS' as const },
    { statuses: ['DELIVERED' as const] },
  ),
  isNarrowed: fc.boolean(),
});

/** A message as it is counted by hand. */
interface Counted {
  readonly enterpriseSid: string;
  readonly mappingSid: string | null;
  readonly direction: string;
  readonly channelStatus: ChannelStatus;
  readonly type: string;
  readonly segments: number;
  readonly label: string;
  readonly took: number | null;
}

/** When an hour begins in UTC, or which day or month it is in the zone. */
const LABELS = {
  HOUR: `to_char(date_trunc('hour', date_created, $3) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')`,
  DAY: `to_char(date_created AT TIME ZONE $3, 'YYYY-MM-DD')`,
  MONTH: `to_char(date_created AT TIME ZONE $3, 'YYYY-MM')`,
};
function labelOf(from: Date, granularity: UsageGranularity, timeZone: string): string {
  if (granularity === 'HOUR') return from.toISOString().slice(0, 16).replace('T', ' ');
  const local = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(from);
  return local.slice(0, granularity === 'DAY' ? 10 : 7);
}

const FIELDS = {
  ENTERPRISE: 'enterpriseSid',
  MAPPING: 'mappingSid',
  DIRECTION: 'direction',
  STATUS: 'channelStatus',
  TYPE: 'type',
} as const;

test('is what a count over the messages says, in any time zone', { timeout: 240_000 }, async () => {
  const { prisma, pool } = database;
  await fc.assert(
    fc.asyncProperty(steps, fc.array(questions, { minLength: 1, maxLength: 6 }), async (given, asked) => {
      await begin();
      /** How long messages took to be delivered, in ms. */
      const took = new Map<string, number>();
      for (const step of given) {
        const stored = await prisma.message.findMany({ orderBy: { sid: 'asc' } });
        if (step.kind === 'store') {
          await prisma.message.createMany({
            data: step.messages.map(({ mapping, time, status, took: ms, ...message }) => {
              const sid = newSid('MS');
              const dateCreated = new Date(timeOf(time));
              if (DELIVERED.includes(status)) took.set(sid, ms);
              const { lane: _lane, ...parties } = between(MAPPINGS[mapping] as string, message.direction);
              return {
                ...{
                  ...parties,
                  ...message,
                  sid,
                  fromFolded: '15550100',
                  toFolded: '15550101',
                  channelStatus: status,
                  statusRank: statusRank(status),
                },
                mappingSid: ended.has(mapping) ? null : parties.mappingSid,
                ...{ dateCreated, dateUpdated: new Date(dateCreated.getTime() + ms) },
              };
            }),
          });
        } else if (step.kind === 'status') {
          for (const place of step.places) {
            const message = stored[place % Math.max(stored.length, 1)];
            // READ and DELIVERED are never left, but for DELIVERED to READ.
            if (!message || message.channelStatus === 'READ' || (message.channelStatus === 'DELIVERED' && step.status !== 'READ')) continue;
            const [now] = await prisma.message.findMany({ where: { sid: message.sid } });
            if (!now || now.channelStatus === 'READ' || (now.channelStatus === 'DELIVERED' && step.status !== 'READ')) continue;
            if (DELIVERED.includes(step.status) && !took.has(message.sid)) took.set(message.sid, step.took);
            const dateUpdated = new Date(message.dateCreated.getTime() + step.took);
            await prisma.message.update({ where: { sid: message.sid }, data: { channelStatus: step.status, dateUpdated } });
          }
        } else if (step.kind === 'fold') await foldUsage(prisma);
        else {
          ended.add(step.mapping);
          await prisma.mapping.deleteMany({ where: { sid: MAPPINGS[step.mapping] } });
        }
      }
      ended.clear();
      for (const { granularity, timeZone, groupBy, since, days, filter, isNarrowed } of asked) {
        if (granularity === 'HOUR' && (timeZone === 'Australia/Lord_Howe' || days > 40)) continue;
        const from = new Date(Math.floor(timeOf(since) / QUARTER_MS) * QUARTER_MS);
        const to = new Date(from.getTime() + days * 24 * 4 * QUARTER_MS);
        const narrowed = isNarrowed ? { ...caller, enterpriseSid: 'EN2' } : caller;
        const used = await readUsage(gateway, narrowed, { from, to, granularity, timeZone, groupBy, filter });
        const { rows } = await pool.query<Counted & { sid: string; date: Date }>(
          `SELECT sid, enterprise_sid AS "enterpriseSid", coalesce(mapping_sid, former_mapping_sid) AS "mappingSid", direction, type, segments,
             channel_status AS "channelStatus", date_created AS date, ${LABELS[granularity]} AS label
           FROM message WHERE date_created >= $1 AND date_created < $2`,
          [from.toISOString(), to.toISOString(), timeZone],
        );
        const messages = rows
          .filter(({ enterpriseSid }) => !isNarrowed || enterpriseSid === 'EN2')
          .filter((row) =>
            Object.entries(filter).every(([name, value]) =>
              name === 'statuses' ? (value as unknown as string[]).includes(row.channelStatus) : row[name as 'type'] === value,
            ),
          );
        const groups = new Map<string, typeof messages>();
        for (const message of messages) {
          // The first hour may begin before the time that was asked for.
          const first = labelOf(from, 'HOUR', 'UTC');
          const label = granularity === 'HOUR' && message.label < first ? first : message.label;
          const key = JSON.stringify([label, ...groupBy.map((dimension) => message[FIELDS[dimension]])]);
          groups.set(key, [...(groups.get(key) ?? []), message]);
        }
        const keyOf = (one: Used) =>
          JSON.stringify([labelOf(one.from, granularity, timeZone), ...groupBy.map((dimension) => one[FIELDS[dimension]])]);
        expect(used.map(keyOf).sort()).toEqual([...groups.keys()].sort());
        for (const one of used) {
          const own = groups.get(keyOf(one)) ?? [];
          const among = (statuses: readonly ChannelStatus[]) => own.filter(({ channelStatus }) => statuses.includes(channelStatus)).length;
          expect(own.every(({ date }) => date >= one.from && date < one.to)).toBe(true);
          expect(one).toMatchObject({
            ...{ messages: own.length, segments: own.reduce((sum, { segments }) => sum + segments, 0) },
            ...{ delivered: among(DELIVERED), failed: among(FAILED) },
          });
          const times = own
            .flatMap((message) => (DELIVERED.includes(message.channelStatus) ? [took.get(message.sid) as number] : []))
            .sort((a, b) => a - b);
          for (const [quantile, estimate] of [
            [0.5, one.medianDeliveryTime],
            [0.95, one.p95DeliveryTime],
          ] as const) {
            const exact = times[Math.max(Math.ceil(quantile * times.length) - 1, 0)];
            if (exact === undefined) expect(estimate).toBeNull();
            else if (exact < 16) expect(estimate).toBe(8);
            else expect(Math.abs(Math.log2((estimate as number) / exact))).toBeLessThan(0.26);
          }
        }
      }
    }),
    { numRuns: 40 },
  );
});
/** The mappings that were deleted, while steps run. */
const ended = new Set<number>();

const ALL = { from: new Date('2026-01-01Z'), to: new Date('2027-01-01Z'), granularity: 'MONTH' } as const;

describe('usage', () => {
  test('stays when messages are deleted', async () => {
    await acceptMessage(database.sql, between('BE1', 'INBOUND', 'x'.repeat(200)));
    const before = await readUsage(gateway, caller, ALL);
    expect(before).toMatchObject([{ messages: 1, segments: 2, delivered: 0, failed: 0, medianDeliveryTime: null }]);
    await database.pool.query('TRUNCATE message CASCADE');
    expect(await readUsage(gateway, caller, ALL)).toEqual(before);
  });

  test('counts all of what is stored and delivered at once, while it is added up', async () => {
    let isDone = false;
    const folding = (async () => {
      while (!isDone) await foldUsage(database.prisma);
    })();
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const message = between(MAPPINGS[index % 3] as string, index % 2 ? 'INBOUND' : 'OUTBOUND');
        const stored = (await acceptMessage(database.sql, { ...message, lane: `${message.lane}${index}` })) ?? expect.unreachable();
        await reportStatus(database.sql, stored, index % 5 ? { status: 'DELIVERED' } : { status: 'FAILED', errorCode: 'X' });
        if (index % 20 === 0) {
          const used = await readUsage(gateway, caller, ALL);
          expect(used[0]?.messages).toBeGreaterThan(0);
        }
      }),
    );
    isDone = true;
    await folding;
    await foldUsage(database.prisma);
    expect(await database.pool.query('SELECT FROM usage_change')).toMatchObject({ rows: [] });
    expect(await readUsage(gateway, caller, ALL)).toMatchObject([{ messages: 200, segments: 200, delivered: 160, failed: 40 }]);
    const byStatus = await readUsage(gateway, caller, { ...ALL, groupBy: ['STATUS'] });
    expect(byStatus.map(({ channelStatus, messages }) => [channelStatus, messages])).toEqual([
      ['DELIVERED', 160],
      ['FAILED', 40],
    ]);
  });

  test('is added up in smaller parts if one statement for all changes would take too long', async () => {
    const { prisma, pool } = database;
    await pool.query(`
      INSERT INTO usage_change SELECT 'OR1', 'BE1', '', timestamptz '2026-01-01Z' + n * interval '15 min', 'INBOUND', 'SMS', 'QUEUED', 0, 1, 1
      FROM generate_series(1, 2900) AS n`);
    await pool.query(`
      CREATE FUNCTION out_of_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT count(*) FROM taken) > 2000 THEN RAISE 'canceling statement due to statement timeout' USING ERRCODE = '57014'; END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER out_of_time AFTER DELETE ON usage_change REFERENCING OLD TABLE AS taken FOR EACH STATEMENT EXECUTE FUNCTION out_of_time()`);
    try {
      expect(await foldUsage(prisma)).toBe(2900);
    } finally {
      await pool.query('DROP FUNCTION out_of_time CASCADE');
    }
    expect(await readUsage(gateway, caller, ALL)).toMatchObject([{ messages: 2900 }]);
  });

  test('is not tried again at once if it fails for another reason', async () => {
    const { prisma, pool } = database;
    await pool.query(`
      INSERT INTO usage_change VALUES ('OR1', 'BE1', '', '2026-01-01Z', 'INBOUND', 'SMS', 'QUEUED', 0, 1, 1);
      -- A sequence counts what is rolled back, too.
      CREATE SEQUENCE tries;
      CREATE FUNCTION out_of_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM nextval('tries');
        RAISE 'the disk is full' USING ERRCODE = '53100';
      END $$;
      CREATE TRIGGER out_of_order AFTER DELETE ON usage_change FOR EACH STATEMENT EXECUTE FUNCTION out_of_order()`);
    try {
      await expect(foldUsage(prisma)).rejects.toThrow('the disk is full');
      expect((await pool.query('SELECT last_value::int AS tries FROM tries')).rows).toEqual([{ tries: 1 }]);
    } finally {
      await pool.query('DROP FUNCTION out_of_order CASCADE; DROP SEQUENCE tries');
    }
  });

  test('of messages from before is counted once, while they change and others are stored', async () => {
    const { prisma, pool, sql } = database;
    const before = [];
    for (let index = 0; index < 30; index++) {
      before.push((await acceptMessage(sql, { ...between('BE1', 'INBOUND'), lane: `lane ${index}` })) ?? expect.unreachable());
    }
    // As if they had been stored before usage was.
    await pool.query("DELETE FROM usage_change; INSERT INTO usage_fill SELECT 'OR1', '0001-01-01Z', clock_timestamp() + interval '1 ms'");
    await reportStatus(sql, before[0] as (typeof before)[0], { status: 'DELIVERED' });
    expect(await readUsage(gateway, caller, ALL)).toEqual([]);
    await Promise.all([
      fillUsage(prisma),
      ...before.slice(1, 11).map((message) => reportStatus(sql, message, { status: 'DELIVERED' })),
      ...Array.from({ length: 20 }, (_, index) => acceptMessage(sql, { ...between('BE1', 'INBOUND'), lane: `lane ${index}` })),
    ]);
    expect(await prisma.usageFill.count()).toBe(0);
    await foldUsage(prisma);
    expect(await readUsage(gateway, caller, ALL)).toMatchObject([{ messages: 50, delivered: 11 }]);
  });
});

test('a day that begins at any quarter of an hour is added up from at most thirteen slots, one more at the end', () => {
  for (let quarter = 0; quarter < 96; quarter++) {
    const times = Array.from({ length: 31 }, (_, day) => ALL.from.getTime() + day * DAY_MS + quarter * QUARTER_MS);
    const { ranges } = coverOf(times, GRAINS.enterprise, false);
    const slots = ranges.reduce((sum, { grain, from, to }) => sum + (to - from) / (grain === 7 ? HOUR_MS : DAY_MS), 0);
    expect(slots, `${quarter}`).toBeLessThanOrEqual(30 * 13 + 12);
  }
});

test('times to delivery have the same buckets here and in the database', async () => {
  const { rows } = await database.pool.query<{ bucket: number; ms: number }>(
    `SELECT delivery_bucket('DELIVERED', now(), now() + ms * interval '1 ms') AS bucket, ms FROM unnest($1::int[]) ms`,
    [DELIVERY_BOUNDS.flatMap((bound) => [bound - 1, bound])],
  );
  expect(rows.map(({ bucket }) => bucket)).toEqual(DELIVERY_BOUNDS.flatMap((_, at) => [at, at + 1]));
  expect(deliveryQuantile([...DELIVERY_BOUNDS.map(() => 0), 1], 0.5)).toBe(DELIVERY_BOUNDS.at(-1));
});

test('kinds of messages have the same numbers here and in the database', async () => {
  const { rows } = await database.pool.query<UsageKind & { number: number }>(
    `SELECT d AS direction, t AS type, s AS status, b AS bucket, usage_kind(d, t, s, b::smallint) AS number
     FROM unnest(enum_range(NULL::message_direction)) d, unnest(enum_range(NULL::message_type)) t, unnest(enum_range(NULL::channel_status)) s,
       unnest(ARRAY[-1, 46]) b`,
  );
  expect(rows).toHaveLength(64);
  for (const { number, ...kind } of rows) expect([kindOf(number), numberOf(kind)]).toEqual([kind, number]);
});
