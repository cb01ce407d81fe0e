import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';
import pg from 'pg';
import type { Query } from './batches/gather.ts';
import { createReadTogether, type ReadTogether } from './batches/read-together.ts';
import { createWriteTogether, type WriteTogether } from './batches/write-together.ts';
import { instant, TIMESTAMPTZ } from './instants.ts';
import { type Interest, LostInterestError, TookTooLongError } from './interest.ts';

/** How many rows a statement of a list reads at most, however many are stored. */
export interface Bounds {
  /** Until a page is full. */
  readonly page: number;
  /** For a total, and for a page that skips rows by number. */
  readonly count: number;
}

/** Hand-written SQL on the connections that Prisma also uses, for statements so frequent that Prisma would be most of their cost. */
export interface Sql {
  /** Runs a statement, prepared if the database supports it. Values go into `values`, never into `text`. */
  readonly query: Query;
  /** The same for a statement that is only worth it if it is short: it ends after BRIEF_MS with a TookTooLongError, if the server can end it. */
  readonly queryBriefly: Query;
  /** Runs a statement that joins few rows by indexes, in the order as written. */
  readonly queryAsWritten: Query;
  /** Runs a short reading statement at once, with a plan that is made once for all values. */
  readonly read: Query;
  /** Runs a short reading statement together with others of the same text. */
  readonly readTogether: ReadTogether;
  /** Runs a writing statement together with others of the same text and group. */
  readonly writeTogether: WriteTogether;
  /** How many rows a statement of a list reads at most; BOUNDS unless given. */
  readonly bounds?: Bounds;
  /** Where lists and usage are read: a standby that has everything by then (standby.ts). Absent: in the same place. */
  readonly lists?: Sql;
}

/** For `queryBriefly`. */
const BRIEF_MS = 2000;

interface Pool {
  query<Row extends QueryResultRow>(config: QueryConfig): Promise<QueryResult<Row>>;
  connect(): Promise<pg.PoolClient>;
}

interface Pools {
  readonly pool: Pool;
  /** The connections for batches of reads. */
  readonly batchPool: Pool;
  /** The connections whose plans are as written. */
  readonly movingPool: Pool;
  /** Has the server end what a connection runs. Absent: it cannot. */
  readonly cancelStatement?: (client: pg.PoolClient) => void;
}

/**
 * Creates the ways to run SQL on a database.
 * @param nameOf returns the prepared statement's name for a text, or '' not to prepare it
 * @param patienceMs how long a write may wait for its batch
 * @param movingNameOf the same as `nameOf`, for statements whose plans are as written
 */
export function createSql(
  { pool, batchPool, movingPool, cancelStatement }: Pools,
  nameOf: (text: string) => string,
  patienceMs: number,
  movingNameOf = nameOf,
): Sql {
  const queryAsWritten = queryOn(movingPool, movingNameOf);
  return {
    query: queryOn(pool, nameOf, cancelStatement),
    queryBriefly: queryOn(pool, nameOf, cancelStatement, BRIEF_MS),
    queryAsWritten,
    read: queryOn(batchPool, nameOf, cancelStatement),
    readTogether: createReadTogether(queryOn(batchPool, nameOf)),
    writeTogether: createWriteTogether(queryAsWritten, patienceMs),
  };
}

function queryOn(pool: Pool, nameOf: (text: string) => string, cancel?: Pools['cancelStatement'], maxMs?: number): Query {
  const limit = cancel && maxMs;
  return async function query<Row extends QueryResultRow>(text: string, values: readonly unknown[], interest?: Interest): Promise<Row[]> {
    const name = nameOf(text);
    const config = { text, values: values as unknown[], types, name: name || undefined };
    const { rows } = await (interest || limit ? queryWhile<Row>(pool, config, interest, cancel, limit) : pool.query<Row>(config));
    return rows;
  };
}

/** Runs a statement as long as there is interest in it, and it takes no longer than it may. */
async function queryWhile<Row extends QueryResultRow>(
  pool: Pool,
  config: QueryConfig,
  interest: Interest | undefined,
  cancel: Pools['cancelStatement'],
  maxMs: number | undefined,
): Promise<QueryResult<Row>> {
  const client = await pool.connect();
  if (interest?.isLost()) {
    client.release();
    throw new LostInterestError();
  }
  let reason: Error | undefined;
  const end = (error: Error) => {
    if (!cancel || reason) return;
    reason = error;
    cancel(client);
  };
  const forget = interest?.onLost(() => end(new LostInterestError()));
  const timer = maxMs && setTimeout(() => end(new TookTooLongError()), maxMs);
  // What failed is replaced, as `pool.query` does; and what was cancelled, since that might yet end its next statement.
  let isSpent = true;
  try {
    const result = await client.query<Row>(config);
    isSpent = reason !== undefined;
    return result;
  } catch (error) {
    throw reason ?? error;
  } finally {
    forget?.();
    clearTimeout(timer);
    client.release(isSpent);
  }
}

/**
 * Prepares nothing. On the embedded database's one connection, lists would get plans that are made once for all values; behind a pooler, connections share
 * the server's names.
 */
export const unnamed = () => '';

const types = {
  getTypeParser: (oid: number, format?: 'text') => (oid === TIMESTAMPTZ ? instant : pg.types.getTypeParser(oid, format)),
} as pg.CustomTypesConfig;
