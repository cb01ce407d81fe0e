import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedDatabase, serve } from '../../src/database/embedded/embedded.ts';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { createTestPlace, type TestPlace } from '../support/database.ts';

// Messages that were stored before a status had its listed form are found by their status like those that are stored now.

const MIGRATION = '20261129060000_listed_status';

let place: TestPlace;
let database: EmbeddedDatabase;
let earlier: string;

beforeAll(async () => {
  place = await createTestPlace('empty');
  const { databaseUrl, dataDir } = place.settings;
  if (databaseUrl) {
    const pool = new pg.Pool({ connectionString: databaseUrl });
    pool.on('error', () => {});
    database = { pool, batchPool: pool, movingPool: pool, close: () => pool.end() };
  } else database = await serve(join(dataDir, 'database'), dataDir);
  earlier = await mkdtemp(join(tmpdir(), 'migrations-'));
  const names = (await readdir(MIGRATIONS)).filter((name) => /^\d/.test(name) && name < MIGRATION);
  for (const name of names) await cp(join(MIGRATIONS, name), join(earlier, name), { recursive: true });
});
afterAll(async () => {
  await rm(earlier, { recursive: true });
  await database.close();
  await place.remove();
});

test('the statuses of stored messages are listed, and their reports awaited, with the time when they were last asked for', async () => {
  const { pool } = database;
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await migrate(pool, earlier);
  await pool.query(`INSERT INTO organization (sid, name) VALUES ('OR1', 'o');
    INSERT INTO account (sid, organization_sid, email, friendly_name, token_digest, token_key_id) VALUES ('AC1', 'OR1', 'a', 'a', '', '');
    INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded) VALUES ('EN1', 'OR1', 'AC1', 'e', 'e');
    INSERT INTO message (sid, organization_sid, enterprise_sid, account_sid, direction, "from", from_folded, "to", to_folded, channel_status, status_rank,
      status_asked, teams_conversation_id, teams_activity_id)
    SELECT 'MS ' || status, 'OR1', 'EN1', 'AC1', direction, 'f', 'f', 't', 't', status, 0, CASE status WHEN 'SENT' THEN timestamptz '2026-11-29T12:00:00Z' END,
      'conversation', status::text
    FROM unnest(enum_range(NULL::channel_status)) status, (VALUES ('INBOUND'::message_direction)) AS d (direction)`);
  expect(await migrate(pool, MIGRATIONS)).toContain(MIGRATION);
  const { rows } = await pool.query('SELECT channel_status AS status, listed_status AS listed FROM message ORDER BY channel_status');
  expect(rows).toEqual(
    ['QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'UNDELIVERED', 'FAILED', 'READ', 'RECEIVED'].map((status) => ({
      status,
      listed: ['SENDING', 'SENT', 'DELIVERED'].includes(status) ? null : status,
    })),
  );
  const awaited = await pool.query('SELECT message_sid, asked FROM awaited_report ORDER BY message_sid');
  expect(awaited.rows).toEqual([
    { message_sid: 'MS SENDING', asked: null },
    { message_sid: 'MS SENT', asked: new Date('2026-11-29T12:00:00Z') },
  ]);
  await pool.query("UPDATE message SET channel_status = 'DELIVERED'");
  expect((await pool.query('SELECT FROM awaited_report')).rows).toEqual([]);
  expect((await pool.query('SELECT FROM message WHERE listed_status IS NOT NULL')).rows).toEqual([]);
});
