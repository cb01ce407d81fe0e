import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { inject } from 'vitest';
import { connect, type Database } from '../../src/database/connect.ts';

export interface TestDatabaseOptions {
  /** On PostgreSQL, by which address the database is reached. */
  readonly reachedBy?: (databaseUrl: string) => Promise<string>;
  readonly requestTimeoutMs?: number;
}

/**
 * A migrated, empty database for one test file, gone after `close()`: embedded in a temporary directory, or a copy of the
 * run's template where TEST_DATABASE_URL names a PostgreSQL.
 */
export async function createTestDatabase({ reachedBy, requestTimeoutMs }: TestDatabaseOptions = {}): Promise<Database> {
  const place = await createTestPlace('migrated');
  const { dataDir, databaseUrl } = place.settings;
  const reached = databaseUrl && reachedBy ? await reachedBy(databaseUrl) : databaseUrl;
  const database = await connect({ dataDir, databaseUrl: reached, requestTimeoutMs, log: pino({ level: 'silent' }) });
  return {
    ...database,
    close: async () => {
      await database.close();
      await place.remove();
    },
  };
}

export interface TestPlace {
  /** What connect takes; as environment for a process: DATA_DIR and DATABASE_URL. */
  readonly settings: { readonly dataDir: string; readonly databaseUrl?: string };
  remove(): Promise<void>;
}

/**
 * Somewhere for a database of the run's kind: a new directory, and on PostgreSQL a database in which `content` is already.
 * (The embedded one comes from the build's snapshot, which is always migrated.)
 */
export async function createTestPlace(content: 'migrated' | 'empty'): Promise<TestPlace> {
  const dataDir = await mkdtemp(join(await directoryOfDatabases(), 'gateway-test-'));
  const postgres = inject('postgres');
  if (!postgres) return { settings: { dataDir }, remove: () => rm(dataDir, { recursive: true, force: true }) };
  const name = `${postgres.template}_${randomBytes(6).toString('hex')}`;
  await administer(postgres.url, `CREATE DATABASE ${name} TEMPLATE ${content === 'migrated' ? postgres.template : 'template0'}`);
  const databaseUrl = new URL(postgres.url);
  databaseUrl.pathname = name;
  return {
    settings: { dataDir, databaseUrl: databaseUrl.href },
    remove: async () => {
      await administer(postgres.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A file system in memory, where an embedded database opens in half the processor time. */
const MEMORY = '/dev/shm';
/** For the databases that a run has at once. */
const ROOM_BYTES = 2 ** 30;

async function directoryOfDatabases(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize >= ROOM_BYTES ? MEMORY : tmpdir();
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
