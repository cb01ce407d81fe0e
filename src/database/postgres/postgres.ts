import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { isUnavailable } from '../unavailable.ts';
import { Connection, giveUpLate } from './connection.ts';
import { retireFull } from './statement-names.ts';

/** The database can't be reached. The message never shows the password. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** How long a transaction may wait for its next statement, in ms: longer than any does. One that a lost gateway left gives its locks back. */
const IDLE_IN_TRANSACTION = 60_000;

/**
 * How long to wait, in ms, for a connection, for a statement to end on the server, and for its answer where none comes: one after the other in less
 * than the time of a request. A statement that the server ends leaves its connection as it was; one without an answer takes it along.
 */
export function patienceWithin(requestTimeoutMs: number) {
  const statementMs = Math.max(1000, Math.round(requestTimeoutMs / 2));
  return { connectMs: Math.min(10_000, Math.max(1000, requestTimeoutMs / 4)), statementMs, answerMs: statementMs * 1.1 };
}

/** The connections to a PostgreSQL. */
export interface Postgres {
  readonly pool: pg.Pool;
  /**
   * For what is read together (read-together.ts), a few: planning costs as much as running there, and the plan is always the same, which PostgreSQL would
   * find out for some sizes alone.
   */
  readonly quick: pg.Pool;
  close(): Promise<void>;
}

const CONNECTIONS = 10;
const QUICK_CONNECTIONS = 2;

/**
 * Connects. @param patience how long to wait, in ms, for a server that is still starting
 * @throws ConnectionError
 */
export async function openPostgres(databaseUrl: string, patience: number, requestTimeoutMs: number): Promise<Postgres> {
  const pool = createPool(databaseUrl, requestTimeoutMs, CONNECTIONS, '');
  const quick = createPool(databaseUrl, requestTimeoutMs, QUICK_CONNECTIONS, '; SET plan_cache_mode = force_generic_plan');
  const close = async () => void (await Promise.all([pool.end(), quick.end()]));
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      await pool.query('SELECT 1');
      return { pool, quick, close };
    } catch (error) {
      if (isUnavailable(error) && Date.now() < deadline) {
        await delay(250);
        continue;
      }
      await close();
      const { host, pathname } = new URL(databaseUrl);
      throw new ConnectionError(`The database ${pathname.slice(1)} at ${host} (DATABASE_URL) can't be reached: ${reason(error)}`, {
        cause: error,
      });
    }
  }
}

/** @param settings SQL that each connection begins with */
function createPool(databaseUrl: string, requestTimeoutMs: number, max: number, settings: string): pg.Pool {
  const { connectMs, statementMs, answerMs } = patienceWithin(requestTimeoutMs);
  const pool = new pg.Pool({
    Client: Connection,
    connectionString: databaseUrl,
    application_name: 'teams-sms-gateway',
    max,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // By statements: a pooler may refuse what it does not know at the start of a connection.
    onConnect: async (client) => {
      await client.query(
        `SET statement_timeout = ${statementMs}; SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION}${settings}`,
      );
    },
  });
  giveUpLate(pool, answerMs);
  retireFull(pool);
  return pool;
}

/** A refusal on several addresses at once is an AggregateError, which has no message of its own. */
function reason(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return [...new Set(error.errors.map(reason))].join(', ');
  return error instanceof Error ? error.message : String(error);
}
