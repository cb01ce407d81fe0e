import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type EmbeddedDatabase, serve } from '../../src/database/embedded/embedded.ts';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { createTestPlace, type TestPlace } from '../support/database.ts';

// Each test starts from a public schema without any table, on whichever database this run is about.
let place: TestPlace;
let database: EmbeddedDatabase;
let directory: string;

beforeAll(async () => {
  place = await createTestPlace('empty');
  const { databaseUrl, dataDir } = place.settings;
  database = databaseUrl ? postgres(databaseUrl) : await serve(join(dataDir, 'database'), dataDir);
});
afterAll(async () => {
  await database.close();
  await place.remove();
});
beforeEach(async () => {
  await database.pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  directory = await mkdtemp(join(tmpdir(), 'migrations-'));
  await write('1_shelf', 'CREATE TABLE shelf (id int); CREATE TABLE board (id int);');
  await write('2_book', 'CREATE TABLE book (id int);');
});
afterEach(() => rm(directory, { recursive: true }));

function postgres(databaseUrl: string): EmbeddedDatabase {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  // It has ended before its connections have, and they can be told that their database is dropped.
  pool.on('error', () => {});
  return { pool, batchPool: pool, movingPool: pool, moving: pool, directPool: pool, close: () => pool.end() };
}

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, name, 'migration.sql'), sql);
}

async function tables(): Promise<string[]> {
  const { rows } = await database.pool.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");
  return rows.map(({ tablename }) => tablename);
}

test('a new database gets every migration, in order, recorded as by Prisma', async () => {
  expect(await migrate(database.pool, directory)).toEqual(['1_shelf', '2_book']);
  expect(await tables()).toEqual(['_prisma_migrations', 'board', 'book', 'shelf']);
  const { rows } = await database.pool.query('SELECT * FROM _prisma_migrations ORDER BY started_at');
  expect(rows).toMatchObject([
    {
      migration_name: '1_shelf',
      applied_steps_count: 1,
      rolled_back_at: null,
      finished_at: expect.any(Date),
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
    { migration_name: '2_book', checksum: '5b7e15f8118cf4f5b0252e00ee251f88e36cd056bec55352c0a059579a2d5fed' },
  ]);
});

test('a database that has all migrations gets none', async () => {
  await migrate(database.pool, directory);
  expect(await migrate(database.pool, directory)).toEqual([]);
});

test('a database that has some gets the others', async () => {
  await migrate(database.pool, directory);
  await write('3_page', 'CREATE TABLE page (id int)');
  expect(await migrate(database.pool, directory)).toEqual(['3_page']);
});

test('runners that start at once apply each migration once', async () => {
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database.pool, directory)));
  expect(applied.flat().sort()).toEqual(['1_shelf', '2_book']);
});

test('a migration that has changed since is refused', async () => {
  await migrate(database.pool, directory);
  await write('1_shelf', 'CREATE TABLE shelf (id bigint)');
  await write('3_page', 'CREATE TABLE page (id int)');
  await expect(migrate(database.pool, directory)).rejects.toThrow(/1_shelf was changed/);
  expect(await tables()).not.toContain('page');
});

test('an unknown migration that did not say that it only expands the tables is refused', async () => {
  await migrate(database.pool, directory);
  await rm(join(directory, '2_book'), { recursive: true });
  await expect(migrate(database.pool, directory)).rejects.toThrow(/2_book, which this gateway does not know/);
});

test('a migration that failed under Prisma is refused until it is resolved', async () => {
  await migrate(database.pool, directory);
  await database.pool.query("UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '2_book'");
  await expect(migrate(database.pool, directory)).rejects.toThrow(/2_book failed/);
  await database.pool.query("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '2_book'; DROP TABLE book");
  expect(await migrate(database.pool, directory)).toEqual(['2_book']);
});

test('a migration that fails leaves nothing behind, and works once it is fixed', async () => {
  await write('2_book', 'CREATE TABLE book (id int); CREATE TABLE shelf (id int);');
  await expect(migrate(database.pool, directory)).rejects.toThrow(/2_book failed and was rolled back: relation "shelf" already exists/);
  expect(await tables()).toEqual(['_prisma_migrations', 'board', 'shelf']);
  await write('2_book', 'CREATE TABLE book (id int)');
  expect(await migrate(database.pool, directory)).toEqual(['2_book']);
});

test('an unknown migration that only expanded the tables is accepted: a gateway of before can start again while others are new', async () => {
  await write('3_page', '-- migration: expand\nCREATE TABLE page (id int)');
  await migrate(database.pool, directory);
  await rm(join(directory, '3_page'), { recursive: true });
  expect(await migrate(database.pool, directory)).toEqual([]);
});

test('a migration in steps continues with the step that failed, and may build an index without locking out writers', async () => {
  await write(
    '3_index',
    `-- migration: in steps
-- step
INSERT INTO book VALUES (1);
-- step
DROP INDEX CONCURRENTLY IF EXISTS book_by_id;
-- step
CREATE UNIQUE INDEX CONCURRENTLY book_by_id ON book (id);
-- step
INSERT INTO board VALUES (1); INSERT INTO board SELECT id FROM hall;`,
  );
  await expect(migrate(database.pool, directory)).rejects.toThrow(/Step 4 of the migration 3_index failed: relation "hall" does not exist/);
  expect((await database.pool.query('SELECT id FROM board')).rows).toEqual([]);
  await database.pool.query('CREATE TABLE hall (id int)');
  expect(await migrate(database.pool, directory)).toEqual(['3_index']);
  const { rows } = await database.pool.query(
    "SELECT (SELECT count(*)::int FROM book) AS books, indisvalid FROM pg_index WHERE indexrelid = 'book_by_id'::regclass",
  );
  expect(rows).toEqual([{ books: 1, indisvalid: true }]);
  expect(await migrate(database.pool, directory)).toEqual([]);
});

test('migrations that came after those of operating.md build no index of a large table while its writers wait', async () => {
  const names = (await readdir(MIGRATIONS)).filter((name) => /^\d/.test(name) && name > '20261129225900_usage');
  const blocking = /CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)[^;]*ON "?(message|message_event|audit_record|conversation|usage)"?\s/i;
  for (const name of names) expect(await readFile(join(MIGRATIONS, name, 'migration.sql'), 'utf8'), name).not.toMatch(blocking);
});

test('a database that is used for something else is refused', async () => {
  await database.pool.query('CREATE TABLE somebody_elses (id int)');
  await expect(migrate(database.pool, directory)).rejects.toThrow(/not a gateway/);
  expect(await tables()).toEqual(['somebody_elses']);
});

test('names that were folded before Σ was one letter are found by either form, and two that differ only by it remain distinct', async () => {
  const earlier = await mkdtemp(join(tmpdir(), 'migrations-'));
  const names = (await readdir(MIGRATIONS)).filter((name) => /^\d/.test(name) && !name.endsWith('final_sigma'));
  for (const name of names) await cp(join(MIGRATIONS, name), join(earlier, name), { recursive: true });
  await migrate(database.pool, earlier);
  await rm(earlier, { recursive: true });
  await database.pool.query(`INSERT INTO organization (sid, name) VALUES ('OR1', 'o');
    INSERT INTO account (sid, organization_sid, email, friendly_name, token_digest, token_key_id) VALUES ('AC1', 'OR1', 'a', 'a', '', '');
    INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded) VALUES ('EN1', 'OR1', 'AC1', 'ΟΔΟΣ', 'οδος'),
      ('EN2', 'OR1', 'AC1', 'ΦΩΣ', 'φως'), ('EN3', 'OR1', 'AC1', 'φωσ', 'φωσ'), ('EN4', 'OR1', 'AC1', 'Kohl', 'kohl')`);
  await migrate(database.pool, MIGRATIONS);
  const { rows } = await database.pool.query('SELECT name_folded FROM enterprise ORDER BY sid');
  expect(rows.map(({ name_folded }) => name_folded)).toEqual(['οδοσ', 'φως', 'φωσ', 'kohl']);
});
