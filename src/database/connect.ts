import { setTimeout as delay } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Logger } from 'pino';
import { PrismaClient } from '../../prisma/client/client.ts';
import { openEmbedded } from './embedded.ts';
import { migrated, readMigrations } from './migrations.ts';
import { MIGRATIONS } from './package-root.ts';
import { createSql, type Sql, statementNames, unnamed } from './sql.ts';
import { isUnavailable } from './unavailable.ts';

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

/** The database can't be reached. The message never shows the password. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

const READY_WITHIN = 3_000;

/**
 * Connects to PostgreSQL by `databaseUrl`, else opens the embedded database in `dataDir`. Applies no migration.
 * @throws ConnectionError, DirectoryInUseError
 */
export async function connect(options: ConnectOptions): Promise<Database> {
  const { dataDir, databaseUrl, log, patience = 10_000, requestTimeoutMs = 30_000 } = options;
  const migrations = await readMigrations(MIGRATIONS);
  const { pool, close } = databaseUrl ? await openPostgres(databaseUrl, patience, requestTimeoutMs) : await openEmbedded(dataDir);
  // An idle connection that the server ends is replaced by the next query; without a handler it would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'idle database connection lost'));
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
    sql: createSql(pool, nameOf),
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

/** How long a transaction may wait for its next statement, in ms: longer than any does. One that a lost gateway left gives its locks back. */
const IDLE_IN_TRANSACTION = 60_000;

/**
 * How long to wait, in ms, for a connection, for a statement to end on the server, and for its answer where none comes: one after the other in less
 * than the time of a request. A statement that the server ends leaves its connection as it was; one without an answer takes it along.
 */
function patienceWithin(requestTimeoutMs: number) {
  const statementMs = Math.max(1000, Math.round(requestTimeoutMs / 2));
  return { connectMs: Math.min(10_000, Math.max(1000, requestTimeoutMs / 4)), statementMs, answerMs: statementMs * 1.2 };
}

/**
 * A connection that is over once an answer did not come: whatever is asked behind that, be it the ROLLBACK, would wait as long. That it ended never
 * ends the process: the pool listens but for the moment in which it hands a connection over, and whoever has it learns by the next statement.
 */
class Connection extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', () => {});
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg's query has many forms
  override query(...given: any[]): any {
    const answer = (super.query as (...given: unknown[]) => unknown).apply(this, given);
    if (answer instanceof Promise)
      answer.catch((error: unknown) => {
        if (error instanceof Error && error.message === 'Query read timeout') void this.end();
      });
    return answer;
  }
}

async function openPostgres(
  databaseUrl: string,
  patience: number,
  requestTimeoutMs: number,
): Promise<{ pool: pg.Pool; close: () => Promise<void> }> {
  const { connectMs, statementMs, answerMs } = patienceWithin(requestTimeoutMs);
  const pool = new pg.Pool({
    Client: Connection,
    connectionString: databaseUrl,
    application_name: 'teams-sms-gateway',
    max: 10,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // By statements: a pooler may refuse what it does not know at the start of a connection.
    onConnect: async (client) => {
      await client.query(`SET statement_timeout = ${statementMs}; SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION}`);
    },
  });
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      await pool.query('SELECT 1');
      return { pool, close: () => pool.end() };
    } catch (error) {
      if (isUnavailable(error) && Date.now() < deadline) {
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

/** A refusal on several addresses at once is an AggregateError, which has no message of its own. */
function reason(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return [...new Set(error.errors.map(reason))].join(', ');
  return error instanceof Error ? error.message : String(error);
}
