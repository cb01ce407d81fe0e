import { setTimeout as delay } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Logger } from 'pino';
import { PrismaClient } from '../../prisma/client/client.ts';
import { openEmbedded } from './embedded.ts';
import { migrated, readMigrations } from './migrations.ts';
import { MIGRATIONS } from './package-root.ts';
import { createSql, type Sql, statementNames, unnamed } from './sql.ts';

export interface Database {
  readonly prisma: PrismaClient;
  readonly sql: Sql;
  /** The connections that `prisma` uses too. Embedded there is one only: inside a transaction, stay on the transaction. */
  readonly pool: pg.Pool;
  readonly kind: 'embedded' | 'postgres';
  /** Whether the database answers within three seconds and every migration is in. Never throws. */
  ready(): Promise<boolean>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Directory of the embedded database; not used with databaseUrl. */
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly log: Pick<Logger, 'warn'>;
  /** How long to wait, in ms, for a PostgreSQL that is still starting. */
  readonly patience?: number;
}

/** The database can't be reached. The message never shows the password. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

const READY_WITHIN = 3_000;

/**
 * Connects to PostgreSQL by `databaseUrl`, else opens the embedded database in `dataDir`. Applies no migration.
 * @throws ConnectionError, DirectoryInUseError
 */
export async function connect({ dataDir, databaseUrl, log, patience = 10_000 }: ConnectOptions): Promise<Database> {
  const migrations = await readMigrations(MIGRATIONS);
  const { pool, close } = databaseUrl ? await openPostgres(databaseUrl, patience) : await openEmbedded(dataDir);
  // An idle connection that the server ends is replaced by the next query; without a handler it would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'idle database connection lost'));
  const nameOf = databaseUrl ? statementNames() : unnamed;
  const adapter = new PrismaPg(pool, databaseUrl ? { statementNameGenerator: ({ sql }) => nameOf(sql) } : {});
  const prisma = new PrismaClient({ adapter });
  return {
    prisma,
    sql: createSql(pool, nameOf),
    pool,
    kind: databaseUrl ? 'postgres' : 'embedded',
    ready: async () => {
      const answered = migrated(pool, migrations).catch(() => false);
      const late = new AbortController();
      try {
        return await Promise.race([answered, delay(READY_WITHIN, false, { ref: false, signal: late.signal })]);
      } finally {
        late.abort();
      }
    },
    close: async () => {
      await prisma.$disconnect();
      await close();
    },
  };
}

async function openPostgres(databaseUrl: string, patience: number): Promise<{ pool: pg.Pool; close: () => Promise<void> }> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'teams-sms-gateway',
    max: 10,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      await pool.query('SELECT 1');
      return { pool, close: () => pool.end() };
    } catch (error) {
      if (mayStillCome(error) && Date.now() < deadline) {
        await delay(250);
        continue;
      }
      await pool.end();
      const { host, pathname } = new URL(databaseUrl);
      throw new ConnectionError(`The database ${pathname.slice(1)} at ${host} (DATABASE_URL) can't be reached: ${reason(error)}`, {
        cause: error,
      });
    }
  }
}

/** Refused, not resolved yet, or answering that it starts up (57P03), shuts down (57P01, 57P02) or is full (53300). */
function mayStillCome(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ENOENT', '57P01', '57P02', '57P03', '53300'].includes(code);
}

/** A refusal on several addresses at once is an AggregateError, which has no message of its own. */
function reason(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return [...new Set(error.errors.map(reason))].join(', ');
  return error instanceof Error ? error.message : String(error);
}
