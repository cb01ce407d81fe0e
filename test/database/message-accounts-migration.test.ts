import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { createEarlierDatabase, type EarlierDatabase } from '../support/earlier-database.ts';

const MIGRATION = '20261130060000_message_accounts';

let database: EarlierDatabase;

beforeAll(async () => {
  database = await createEarlierDatabase(MIGRATION);
});
afterAll(() => database.close());

test('the accounts of stored messages are noted, and those of messages that are stored later, by whichever gateway', async () => {
  const { pool } = database;
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await migrate(pool, database.earlier);
  const store = (name: string, enterprise: number, account: number) =>
    pool.query(`INSERT INTO message (sid, organization_sid, enterprise_sid, account_sid, direction, "from", from_folded, "to", to_folded, channel_status,
      status_rank) SELECT '${name}' || n, 'OR1', 'EN${enterprise}', 'AC${account}', 'INBOUND', 'f', 'f', 't', 't', 'DELIVERED', 3 FROM generate_series(1, 2) n`);
  const noted = async () => (await pool.query("SELECT enterprise_sid || ' ' || account_sid AS pair FROM message_account ORDER BY 1")).rows;
  await pool.query(`INSERT INTO organization (sid, name) VALUES ('OR1', 'o');
    INSERT INTO account (sid, organization_sid, email, friendly_name, token_digest, token_key_id)
    SELECT 'AC' || n, 'OR1', n, n, '', '' FROM generate_series(1, 3) n;
    INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded) SELECT 'EN' || n, 'OR1', 'AC3', n, n FROM generate_series(1, 2) n`);
  await store('a', 1, 1);
  await store('b', 2, 2);
  expect(await migrate(pool, MIGRATIONS)).toContain(MIGRATION);
  expect(await noted()).toEqual([{ pair: 'EN1 AC1' }, { pair: 'EN2 AC2' }]);
  await store('c', 1, 1);
  await store('d', 1, 2);
  expect(await noted()).toEqual([{ pair: 'EN1 AC1' }, { pair: 'EN1 AC2' }, { pair: 'EN2 AC2' }]);
});
