import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { createSecrets } from '../../src/domain/secrets.ts';
import { createEarlierDatabase, type EarlierDatabase } from '../support/earlier-database.ts';

const MIGRATION = '20261129090000_enterprise_admins';

let database: EarlierDatabase;
beforeAll(async () => {
  database = await createEarlierDatabase(MIGRATION);
});
afterAll(() => database.close());

test('stored admins free their address with their enterprise, own their account if they have a password, and hints of short secrets are cut', async () => {
  const { pool } = database;
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await migrate(pool, database.earlier);
  await pool.query(`INSERT INTO organization (sid, name) VALUES ('OR1', 'o');
    INSERT INTO account (sid, organization_sid, email, friendly_name, token_digest, token_key_id) VALUES ('AC1', 'OR1', 'a', 'a', '', '');
    INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded) SELECT 'EN' || n, 'OR1', 'AC1', n, n FROM generate_series(1, 9) n;
    INSERT INTO enterprise_admin (sid, organization_sid, enterprise_sid, account_sid, email, email_folded, password_hash, status) VALUES
      ('RCS1', 'OR1', 'EN1', 'AC2', 'a@x.example', 'a@x.example', '$scrypt$', 'CLOSED'), ('RCS2', 'OR1', 'EN2', 'AC3', 'b@x.example', 'b@x.example', NULL, 'ACTIVE')`);
  const secrets = createSecrets(randomBytes(32));
  const stored = ['1', '12', '1234', '234234', '12345678', 'a long client secret', 'äöüß'];
  for (const [index, secret] of stored.entries()) {
    await pool.query(
      `INSERT INTO bot (sid, organization_sid, enterprise_sid, account_sid, application_id, tenant_id, client_secret, client_secret_hint, bot_app_id)
      VALUES ($1, 'OR1', $2, 'AC1', 'a', 't', $3, $4, 'b')`,
      [`BE${index}`, `EN${index + 1}`, Buffer.from(secrets.seal(secret, `BE${index}`)), secret.slice(-4)],
    );
  }
  expect(await migrate(pool, MIGRATIONS)).toContain(MIGRATION);
  const admins = await pool.query('SELECT sid, account_created AS created FROM enterprise_admin ORDER BY sid');
  expect(admins.rows).toEqual([
    { sid: 'RCS1', created: true },
    { sid: 'RCS2', created: false },
  ]);
  const insert = (sid: string, enterprise: string, email: string) =>
    pool.query(
      `INSERT INTO enterprise_admin (sid, organization_sid, enterprise_sid, account_sid, email, email_folded) VALUES ($1, 'OR1', $2, 'AC4', $3, $3)`,
      [sid, enterprise, email],
    );
  await insert('RCS3', 'EN3', 'a@x.example');
  await expect(insert('RCS4', 'EN4', 'a@x.example')).rejects.toThrow('enterprise_admin_email_unique');
  await expect(insert('RCS4', 'EN4', 'b@x.example')).rejects.toThrow('enterprise_admin_email_unique');
  const { rows } = await pool.query('SELECT client_secret_hint AS hint FROM bot ORDER BY sid');
  for (const [index, secret] of stored.entries()) {
    const { hint } = rows[index];
    expect(secret.endsWith(hint) && hint.length * 2 <= secret.length, `${secret}: ${hint}`).toBe(true);
  }
  expect(rows.slice(4, 6)).toEqual([{ hint: '5678' }, { hint: 'cret' }]);
});
