import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';
import pg from 'pg';
import type { Query } from './batches/gather.ts';
import { createReadTogether, type ReadTogether } from './batches/read-together.ts';
import { createWriteTogether, type WriteTogether } from './batches/write-together.ts';
import { instant, TIMESTAMPTZ } from './instants.ts';

/** SQL of our own on the connections that Prisma uses too, for what is asked so often that Prisma's part would be most of its cost. */
export interface Sql {
  /** Prepared once a connection where the database can, so values go into `values`, never into `text`. */
  readonly query: Query;
  /** The same, for short reads that may be asked as one with others of their kind. */
  readonly readTogether: ReadTogether;
  /** The same, for writes that are made for many. */
  readonly writeTogether: WriteTogether;
}

/** What runs a statement: a pool. */
interface Queryable {
  query<Row extends QueryResultRow>(config: QueryConfig): Promise<QueryResult<Row>>;
}

/** @param quick for what is read together @param nameOf the statement's name, '' for one that is not prepared @param patienceMs of who writes together */
export const createSql = (pool: Queryable, quick: Queryable, nameOf: (text: string) => string, patienceMs: number): Sql => ({
  query: asking(pool, nameOf),
  readTogether: createReadTogether(asking(quick, nameOf)),
  writeTogether: createWriteTogether(asking(pool, nameOf), patienceMs),
});

function asking(pool: Queryable, nameOf: (text: string) => string): Query {
  return async function query<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const name = nameOf(text);
    const { rows } = await pool.query<Row>({ text, values: values as unknown[], types, name: name || undefined });
    return rows;
  };
}

/** Names nothing: on a connection that everybody shares, names collide. */
export const unnamed = () => '';

const types = {
  getTypeParser: (oid: number, format?: 'text') => (oid === TIMESTAMPTZ ? instant : pg.types.getTypeParser(oid, format)),
} as pg.CustomTypesConfig;
