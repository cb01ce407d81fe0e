import { PrismaPg } from '@prisma/adapter-pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PrismaClient } from '../../prisma/client/client.ts';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { fillUsage, foldUsage } from '../../src/domain/usage/fold-usage.ts';
import { kindOf, numberOf } from '../../src/domain/usage/usage-kinds.ts';
import { createEarlierDatabase, type EarlierDatabase } from '../support/earlier-database.ts';

const MIGRATION = '20261129225900_usage';
const SLOTS = '20261130020000_usage_slots';
const HOURS = '20261130070000_usage_hours';

let database: EarlierDatabase;

beforeAll(async () => {
  database = await createEarlierDatabase(MIGRATION);
});
afterAll(() => database.close());

test('stored messages count once each, those of before the clock went back too', async () => {
  const { pool } = database;
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await migrate(pool, database.earlier);
  await pool.query(`INSERT INTO organization (sid, name) VALUES ('OR1', 'o');
    INSERT INTO account (sid, organization_sid, email, friendly_name, token_digest, token_key_id) VALUES ('AC1', 'OR1', 'a', 'a', '', '');
    INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded) VALUES ('EN1', 'OR1', 'AC1', 'e', 'e');
    INSERT INTO message (sid, organization_sid, enterprise_sid, account_sid, direction, "from", from_folded, "to", to_folded, channel_status,
      status_rank, date_created)
    SELECT 'MS' || n, 'OR1', 'EN1', 'AC1', 'OUTBOUND', '1', '1', 'a', 'a', 'QUEUED', 0, now() + n * interval '1 hour' FROM generate_series(-1, 1) n`);
  expect(await migrate(pool, MIGRATIONS)).toContain(MIGRATION);
  await pool.query("UPDATE message SET channel_status = 'DELIVERED', status_rank = 3 WHERE sid = 'MS1'");
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) });
  try {
    expect(await fillUsage(prisma)).toBe(1);
    await foldUsage(prisma);
    const { rows } = await pool.query<{ kinds: string; messages: string }>('SELECT kinds, messages FROM usage_slot WHERE grain = 1');
    // At the turn of a month they are in two slots.
    const counted = new Map<string, number>();
    for (const { kinds, messages } of rows) {
      for (const [at, kind] of kinds.split(',').entries()) {
        const { status } = kindOf(Number(kind));
        counted.set(status, (counted.get(status) ?? 0) + Number(messages.split(',')[at]));
      }
    }
    expect(counted).toEqual(
      new Map([
        ['QUEUED', 2],
        ['DELIVERED', 1],
      ]),
    );
  } finally {
    await prisma.$disconnect();
  }
});

test('what was added up before by kind is kept, and what earlier gateways still add up', async () => {
  const { pool, earlier, close } = await createEarlierDatabase(SLOTS);
  const add = (grain: number, messages: number) =>
    pool.query(
      `INSERT INTO usage (organization_sid, grain, mapping_sid, enterprise_sid, slot, direction, type, status, bucket, messages, segments)
       VALUES ('OR1', $1, 'BE1', 'EN1', '2026-11-01Z', 'OUTBOUND', 'MMS', 'READ', 46, $2, 9)
       ON CONFLICT (organization_sid, grain, mapping_sid, enterprise_sid, slot, direction, type, status, bucket) DO UPDATE SET messages = 1`,
      [grain, messages],
    );
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) });
  try {
    await migrate(pool, earlier);
    await add(6, 2);
    await add(7, 2);
    await migrate(pool, MIGRATIONS);
    await add(6, 3);
    await add(7, 3);
    await foldUsage(prisma);
    const { rows } = await pool.query('SELECT kinds, messages, segments FROM usage_slot WHERE grain = 1');
    const kind = numberOf({ direction: 'OUTBOUND', type: 'MMS', status: 'READ', bucket: 46 });
    expect(rows).toEqual([{ kinds: String(kind), messages: '5', segments: '18' }]);
    expect((await pool.query('SELECT FROM usage')).rows).toEqual([]);
  } finally {
    await prisma.$disconnect();
    await close();
  }
});

test('hours that begin at half past or a quarter past include quarters from before the migration, and those that earlier gateways still store', async () => {
  const { pool, earlier, close } = await createEarlierDatabase(HOURS);
  /** Stores a quarter of an hour with messages of one kind, as an earlier gateway does. */
  const store = (slot: string, messages: number) =>
    pool.query(
      `INSERT INTO usage_slot (organization_sid, grain, mapping_sid, enterprise_sid, slot, kinds, messages, segments)
       VALUES ('OR1', 4, '', '', $1, '70', $2, $2)
       ON CONFLICT (organization_sid, grain, mapping_sid, enterprise_sid, slot) DO UPDATE SET messages = excluded.messages, segments = excluded.segments`,
      [slot, String(messages)],
    );
  const hours = async (grain: number) => {
    const { rows } = await pool.query<{ hour: string; kinds: string; messages: string }>(
      `SELECT to_char(slot AT TIME ZONE 'UTC', 'HH24:MI') AS hour, kinds, messages FROM usage_slot WHERE grain = $1 ORDER BY slot`,
      [grain],
    );
    return rows.map(({ hour, kinds, messages }) => [hour, kinds, Number(messages)]);
  };
  try {
    await migrate(pool, earlier);
    await store('2026-11-01T10:15:00Z', 1);
    await store('2026-11-01T10:30:00Z', 2);
    await migrate(pool, MIGRATIONS);
    expect([await hours(10), await hours(11)]).toEqual([
      [
        ['09:30', '70', 1],
        ['10:30', '70', 2],
      ],
      [['10:15', '70', 3]],
    ]);
    await store('2026-11-01T10:15:00Z', 4);
    await store('2026-11-01T11:00:00Z', 8);
    await pool.query("DELETE FROM usage_slot WHERE grain = 4 AND slot = '2026-11-01T10:30:00Z'");
    expect([await hours(10), await hours(11)]).toEqual([
      [
        ['09:30', '70', 4],
        ['10:30', '70', 8],
      ],
      [['10:15', '70', 12]],
    ]);
    await pool.query('DELETE FROM usage_slot WHERE grain = 4');
    expect([await hours(10), await hours(11)]).toEqual([[], []]);
  } finally {
    await close();
  }
});
