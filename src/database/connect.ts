import { setTimeout as delay } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import type { Logger } from 'pino';
import { PrismaClient } from '../../prisma/client/client.ts';
import { openEmbedded } from './embedded/embedded.ts';
import { migrated, readMigrations } from './migrations.ts';
import { MIGRATIONS } from './package-root.ts';
import { openPostgres, patienceWithin } from './postgres/postgres.ts';
import { statementNames } from './postgres/statement-names.ts';
import { createSql, type Sql, unnamed } from './sql.ts';

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
  /** Of a PostgreSQL that does not answer, a request is told within this time, in ms (REQUEST_TIMEOUT), and its connection is given up. */
  readonly requestTimeoutMs?: number;
}

const READY_WITHIN = 3_000;

/**
 * Connects to PostgreSQL by `databaseUrl`, else opens the embedded database in `dataDir`. Applies no migration.
 * @throws ConnectionError, DirectoryInUseError
 */
export async function connect(options: ConnectOptions): Promise<Database> {
  const { dataDir, databaseUrl, log, patience = 10_000, requestTimeoutMs = 30_000 } = options;
  const migrations = await readMigrations(MIGRATIONS);
  const { pool, quick, close } = databaseUrl ? await openPostgres(databaseUrl, patience, requestTimeoutMs) : await openEmbedded(dataDir);
  // An idle connection that the server ends is replaced by the next query; without a handler it would end the process.
  for (const one of new Set([pool, quick])) one.on('error', (error) => log.warn({ err: error }, 'idle database connection lost'));
  const nameOf = databaseUrl ? statementNames() : unnamed;
  const adapter = new PrismaPg(pool, databaseUrl ? { statementNameGenerator: ({ sql }) => nameOf(sql) } : {});
  const prisma = new PrismaClient({ adapter });
  // However often it is asked, a database that hangs is asked once at a time.
  let asked: Promise<boolean> | undefined;
  const ask = () => {
    asked ??= migrated(pool, migrations)
      .catch(() => false)
      .finally(() => {
        asked = undefined;
      });
    return asked;
  };
  return {
    prisma,
    sql: createSql(pool, quick, nameOf, patienceWithin(requestTimeoutMs).connectMs),
    pool,
    kind: databaseUrl ? 'postgres' : 'embedded',
    ready: async () => {
      const late = new AbortController();
      try {
        return await Promise.race([ask(), delay(READY_WITHIN, false, { ref: false, signal: late.signal })]);
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
