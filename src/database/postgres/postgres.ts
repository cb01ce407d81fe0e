import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { isUnavailable } from '../unavailable.ts';
import { cancelStatement } from './cancel.ts';
import { closeUnresponsive, WatchedClient } from './connection.ts';
import { closeFullConnections } from './statement-names.ts';

/** The database cannot be reached. The message never contains the password. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/**
 * How long a transaction may idle between statements, in ms. A gateway that froze, or that the network lost, holds its locks no longer than this, and
 * others wait no longer for them. Transactions that wait for a platform set their own (domain/transaction.ts).
 */
const IDLE_IN_TRANSACTION_MS = 1500;

/**
 * The timeouts that together fit into a request's: for getting a connection, for a statement on the server, and for its result, all in ms. A statement that
 * the server cancels leaves its connection usable; one without a result closes it.
 */
export function timeoutsWithin(requestTimeoutMs: number) {
  const statementMs = Math.max(1000, Math.round(requestTimeoutMs / 2));
  return { connectMs: Math.min(10_000, Math.max(1000, requestTimeoutMs / 4)), statementMs, answerMs: statementMs * 1.1 };
}

interface Postgres {
  /**
   * The connections for everything else, with custom plans: which index serves a filter depends on its values. A generic plan, which PostgreSQL chooses
   * after five runs, expects any text to match a few rows of any table: a beginning of a number then reads all of an organization's messages.
   */
  readonly pool: pg.Pool;
  /**
   * A few connections for batches of reads (read-together.ts), with generic plans: planning such a statement costs as much as running it, and the plan
   * is always the same, which PostgreSQL would notice only for some batch sizes.
   */
  readonly batchPool: pg.Pool;
  /**
   * A few connections for statements that move messages (write-together.ts, claim-lanes.ts). They join few rows by indexes, in the order as written.
   * Their plans are generic, too.
   */
  readonly movingPool: pg.Pool;
  readonly cancelStatement: (client: pg.PoolClient) => void;
  close(): Promise<void>;
}

const CONNECTIONS = 10;
const BATCH_CONNECTIONS = 2;
const MOVING_CONNECTIONS = 6;

/** Compiling a statement takes longer than running one that ends with a page, however many rows PostgreSQL expects without its LIMIT. */
const NO_COMPILATION = 'SET jit = off';
const CUSTOM_PLANS = 'SET plan_cache_mode = force_custom_plan';
const GENERIC_PLANS = 'SET plan_cache_mode = force_generic_plan';
const INDEXES_AS_WRITTEN = [
  'join_collapse_limit = 1',
  'from_collapse_limit = 1',
  'enable_seqscan = off',
  'enable_hashjoin = off',
  'enable_mergejoin = off',
];
/** How long a generic plan is kept, in ms: one that was made while a table was nearly empty reads all of it, and does so once it is full. */
const PLAN_LIFETIME_MS = 1000;

/**
 * Connects to a PostgreSQL server.
 * @param patienceMs how long to wait for a server that is still starting
 * @throws ConnectionError
 */
export async function openPostgres(databaseUrl: string, patienceMs: number, requestTimeoutMs: number): Promise<Postgres> {
  const pool = createPool(databaseUrl, requestTimeoutMs, CONNECTIONS, CUSTOM_PLANS);
  const batchPool = createPool(databaseUrl, requestTimeoutMs, BATCH_CONNECTIONS, GENERIC_PLANS);
  const planSettings = INDEXES_AS_WRITTEN.map((setting) => `SET ${setting}`);
  const movingPool = createPool(databaseUrl, requestTimeoutMs, MOVING_CONNECTIONS, GENERIC_PLANS, ...planSettings);
  for (const each of [batchPool, movingPool]) renewPlans(each, PLAN_LIFETIME_MS);
  const close = async () => void (await Promise.all([pool, batchPool, movingPool].map((each) => each.end())));
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      await pool.query('SELECT 1');
      return { pool, batchPool, movingPool, cancelStatement, close };
    } catch (error) {
      if (isUnavailable(error) && Date.now() < deadline) {
        await delay(250);
        continue;
      }
      await close();
      const { host, pathname } = new URL(databaseUrl);
      throw new ConnectionError(`Cannot reach the database ${pathname.slice(1)} at ${host} (DATABASE_URL): ${reason(error)}`, {
        cause: error,
      });
    }
  }
}

/** @param sessionSql further statements that each new connection runs */
function createPool(databaseUrl: string, requestTimeoutMs: number, max: number, ...sessionSql: string[]): pg.Pool {
  const { connectMs, statementMs, answerMs } = timeoutsWithin(requestTimeoutMs);
  const pool = new pg.Pool({
    Client: WatchedClient,
    connectionString: databaseUrl,
    application_name: 'teams-sms-gateway',
    max,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // As statements, since a pooler may refuse unknown startup parameters.
    onConnect: async (client) => {
      const timeouts = [`SET statement_timeout = ${statementMs}`, `SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`];
      await client.query([...timeouts, NO_COMPILATION, ...sessionSql].join('; '));
    },
  });
  closeUnresponsive(pool, answerMs);
  closeFullConnections(pool);
  return pool;
}

/** Has each connection plan its statements anew, the first time that it is used after `everyMs`. */
function renewPlans(pool: pg.Pool, everyMs: number): void {
  const renewedAt = new WeakMap<pg.PoolClient, number>();
  pool.on('acquire', (client) => {
    if (performance.now() - (renewedAt.get(client) ?? 0) < everyMs) return;
    renewedAt.set(client, performance.now());
    // Runs before the statement that the connection was acquired for, which reports if it is broken.
    client.query('DISCARD PLANS').catch(() => {});
  });
}

/** Describes an error. For a host with several addresses, it is an AggregateError, which has no message of its own. */
function reason(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return [...new Set(error.errors.map(reason))].join(', ');
  return error instanceof Error ? error.message : String(error);
}
