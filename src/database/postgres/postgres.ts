import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { renewPlans } from '../renew-plans.ts';
import { isUnavailable } from '../unavailable.ts';
import { cancelStatement, closeConnection } from './cancel.ts';
import { closeUnresponsive, WatchedClient } from './connection.ts';
import { inOwnTransactions, lackingSettings } from './pooler.ts';
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
  /** Runs statements on `movingPool`. */
  readonly moving: Pick<pg.Pool, 'connect'> & {
    query<Row extends pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<Row>>;
  };
  /** Connections to the server itself, for what is bound to a session, such as migrations. The same as `pool` unless there is a pooler. */
  readonly directPool: pg.Pool;
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
/** How long generic plans are kept, in ms: one that was made while a table was nearly empty reads all of it, and does so once it is full. */
const PLAN_LIFETIME_MS = [1000, 10_000] as const;

interface Options {
  /** How long to wait for a server that is still starting, in ms. */
  readonly patienceMs: number;
  readonly requestTimeoutMs: number;
  /** The same database through a pooler in transaction mode, for everything that needs no session. */
  readonly poolerUrl?: string;
  readonly log?: Pick<Logger, 'warn'>;
}

/**
 * Connects to a PostgreSQL server.
 * @throws ConnectionError
 */
export async function openPostgres(databaseUrl: string, { patienceMs, requestTimeoutMs, poolerUrl, log }: Options): Promise<Postgres> {
  const postgres = poolerUrl ? throughPooler(databaseUrl, poolerUrl, requestTimeoutMs) : direct(databaseUrl, requestTimeoutMs);
  const { pool, batchPool, movingPool, directPool } = postgres;
  const close = async () => void (await Promise.all([...new Set([pool, batchPool, movingPool, directPool])].map((each) => each.end())));
  const deadline = Date.now() + patienceMs;
  const reach = async (each: pg.Pool, url: string, name: string) => {
    while (true) {
      try {
        return await each.query('SELECT 1');
      } catch (error) {
        if (isUnavailable(error) && Date.now() < deadline) {
          await delay(250);
          continue;
        }
        await close();
        const { host, pathname } = new URL(url);
        throw new ConnectionError(`Cannot reach the database ${pathname.slice(1)} at ${host} (${name}): ${reason(error)}`, {
          cause: error,
        });
      }
    }
  };
  await reach(directPool, databaseUrl, 'DATABASE_URL');
  if (poolerUrl) {
    await reach(pool, poolerUrl, 'DATABASE_POOLER_URL');
    const settings = await lackingSettings(pool, timeoutsWithin(requestTimeoutMs).statementMs, IDLE_IN_TRANSACTION_MS);
    if (settings.length > 0) log?.warn({ settings }, "the pooler's connections lack settings (docs/operating.md)");
  }
  return { ...postgres, close };
}

/** Makes connections that read: as they need, and in batches. */
function readingPools(databaseUrl: string, requestTimeoutMs: number, reached?: (server: string) => void) {
  const [custom, generic] = [CUSTOM_PLANS, GENERIC_PLANS].map((plans) => sessionSql(requestTimeoutMs, plans));
  const pool = createPool(databaseUrl, requestTimeoutMs, CONNECTIONS, custom, reached);
  const batchPool = createPool(databaseUrl, requestTimeoutMs, BATCH_CONNECTIONS, generic, reached);
  renewPlans(batchPool, ...PLAN_LIFETIME_MS);
  return { pool, batchPool, cancelStatement };
}

/** The time for checking what a standby has replayed, like a request's, in ms: the check takes a millisecond unless the standby is in trouble. */
const LOOK_TIMEOUT_MS = 2000;

/**
 * Makes connections to a standby. One that does not respond is given up in time for the primary to answer the same request. Checks of what the standby has
 * replayed use a connection of their own, so that no list delays them.
 * @param reached receives when each new connection's server was started
 */
export const standbyPools = (replicaUrl: string, requestTimeoutMs: number, reached: (server: string) => void) => ({
  ...readingPools(replicaUrl, requestTimeoutMs / 3, reached),
  lookPool: createPool(replicaUrl, LOOK_TIMEOUT_MS, 1, sessionSql(LOOK_TIMEOUT_MS, GENERIC_PLANS), reached),
});

function direct(databaseUrl: string, requestTimeoutMs: number) {
  const reading = readingPools(databaseUrl, requestTimeoutMs);
  const planSettings = INDEXES_AS_WRITTEN.map((setting) => `SET ${setting}`);
  const movingPool = createPool(
    databaseUrl,
    requestTimeoutMs,
    MOVING_CONNECTIONS,
    sessionSql(requestTimeoutMs, GENERIC_PLANS, ...planSettings),
  );
  renewPlans(movingPool, ...PLAN_LIFETIME_MS);
  return { ...reading, movingPool, moving: movingPool, directPool: reading.pool };
}

/** The same through a pooler in transaction mode. No connection has settings or prepared statements of its own; each statement is planned for its values. */
function throughPooler(databaseUrl: string, poolerUrl: string, requestTimeoutMs: number) {
  const [pool, batchPool, movingPool] = [CONNECTIONS, BATCH_CONNECTIONS, MOVING_CONNECTIONS].map((connections) =>
    createPool(poolerUrl, requestTimeoutMs, connections),
  ) as [pg.Pool, pg.Pool, pg.Pool];
  const directPool = createPool(databaseUrl, requestTimeoutMs, 1, sessionSql(requestTimeoutMs, CUSTOM_PLANS));
  return {
    pool,
    batchPool,
    movingPool,
    moving: inOwnTransactions(movingPool, INDEXES_AS_WRITTEN),
    directPool,
    cancelStatement: closeConnection,
  };
}

/** Makes the statements that a new connection runs. They are no startup parameters, since a proxy may refuse unknown ones. */
function sessionSql(requestTimeoutMs: number, ...more: readonly string[]): string {
  const { statementMs } = timeoutsWithin(requestTimeoutMs);
  const timeouts = [`SET statement_timeout = ${statementMs}`, `SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`];
  return [...timeouts, NO_COMPILATION, ...more].join('; ');
}

/**
 * @param settings what a new connection runs. Absent: connections keep no settings
 * @param reached receives when a new connection's server was started
 */
function createPool(
  databaseUrl: string,
  requestTimeoutMs: number,
  max: number,
  settings?: string,
  reached?: (server: string) => void,
): pg.Pool {
  const { connectMs, answerMs } = timeoutsWithin(requestTimeoutMs);
  const pool = new pg.Pool({
    Client: WatchedClient,
    connectionString: databaseUrl,
    application_name: 'teams-sms-gateway',
    max,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    onConnect: async (client) => {
      if (settings) await client.query(settings);
      if (!reached) return;
      const { rows } = await client.query<{ server: string }>('SELECT pg_postmaster_start_time()::text AS server');
      reached(rows[0]?.server ?? '');
    },
  });
  closeUnresponsive(pool, answerMs);
  closeFullConnections(pool);
  return pool;
}

/** Describes an error. For a host with several addresses, it is an AggregateError, which has no message of its own. */
function reason(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return [...new Set(error.errors.map(reason))].join(', ');
  return error instanceof Error ? error.message : String(error);
}
