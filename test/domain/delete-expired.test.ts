import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import { KEY_LIFETIME_MS, purgeIdempotencyKeys } from '../../src/domain/idempotency.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

/** Stores keys of an age in hours; those of a thousand have the same time. */
const store = (count: number, hours: number) =>
  database.pool.query(
    `INSERT INTO idempotency_key (organization_sid, account_sid, key, operation, input_digest, claim, date_created)
     SELECT 'OR1', 'AC1', $2 || ' ' || n, 'o', '', '', now() - $2::int * interval '1 hour' - n / 1000 * interval '1 second' FROM generate_series(1, $1::int) n`,
    [count, hours],
  );
const count = () => database.prisma.idempotencyKey.count();

test('all that has expired is deleted, however much, and nothing else', async () => {
  await store(3500, KEY_LIFETIME_MS / 3_600_000 + 1);
  await store(20, 23);
  expect(await purgeIdempotencyKeys(database.prisma)).toBe(3500);
  expect(await count()).toBe(20);
  expect(await purgeIdempotencyKeys(database.prisma)).toBe(0);
});

test('once the gateway stops, no further batch begins', async () => {
  await store(3500, 48);
  const before = await count();
  const deleted = await purgeIdempotencyKeys(database.prisma, AbortSignal.abort());
  expect(deleted).toBeGreaterThan(0);
  expect(deleted).toBeLessThan(3500);
  expect(await count()).toBe(before - deleted);
});

test('a row that a transaction holds keeps no other one from being deleted', async ({ skip }) => {
  // The embedded database has one connection.
  if (database.kind === 'embedded') return skip();
  await database.prisma.idempotencyKey.deleteMany();
  await store(10, 48);
  const client = await database.pool.connect();
  try {
    await client.query(`BEGIN; UPDATE idempotency_key SET claim = 'another' WHERE key = '48 5'`);
    expect(await purgeIdempotencyKeys(database.prisma)).toBe(9);
  } finally {
    await client.query('COMMIT');
    client.release();
  }
  expect(await purgeIdempotencyKeys(database.prisma)).toBe(1);
});
