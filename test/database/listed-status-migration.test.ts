import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { createEarlierDatabase, type EarlierDatabase } from '../support/earlier-database.ts';

// Messages that were stored before a status had its listed form are found by their status like those that are stored now.

const MIGRATION = '20261129060000_listed_status';

let database: EarlierDatabase;

beforeAll(async () => {
  database = await createEarlierDatabase(MIGRATION);
});
afterAll(() => database.close());

test('the statuses of stored messages are listed, and their reports awaited, with the time when they were last asked for', async () => {
  const { pool } = database;
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await migrate(pool, database.earlier);
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
    // It counts as asked for when a later migration comes.
    { message_sid: 'MS SENDING', asked: expect.any(Date) },
    { message_sid: 'MS SENT', asked: new Date('2026-11-29T12:00:00Z') },
  ]);
  await pool.query("UPDATE message SET channel_status = 'DELIVERED'");
  expect((await pool.query('SELECT FROM awaited_report')).rows).toEqual([]);
  expect((await pool.query('SELECT FROM message WHERE listed_status IS NOT NULL')).rows).toEqual([]);
});
