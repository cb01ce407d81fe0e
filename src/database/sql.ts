import { createHash } from 'node:crypto';
import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';
import pg from 'pg';
import { createTogether, type Together } from './together.ts';

/** SQL of our own on the connections that Prisma uses too, for what is asked so often that Prisma's part would be most of its cost. */
export interface Sql {
  /** Prepared once a connection where the database can, so `text` must come from a small set: values go into `values`, never into it. */
  query<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]>;
  /** The same, for what may be asked as one with others of its kind. */
  readonly together: Together;
}

/** Per connection each name is a prepared statement that lives as long as it does, so only so many texts get one. */
const MOST_STATEMENTS = 500;

/** What runs a statement: a pool. */
interface Queryable {
  query<Row extends QueryResultRow>(config: QueryConfig): Promise<QueryResult<Row>>;
}

/** @param nameOf the statement's name, '' for one that is not prepared */
export function createSql(pool: Queryable, nameOf: (text: string) => string): Sql {
  async function query<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const name = nameOf(text);
    const { rows } = await pool.query<Row>({ text, values: values as unknown[], types, ...(name ? { name } : {}) });
    return rows;
  }
  return { query, together: createTogether(query) };
}

/** Names for prepared statements, the same for the same text; '' once there are too many. */
export function statementNames(): (text: string) => string {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined) return known;
    if (names.size >= MOST_STATEMENTS) return '';
    const name = `gateway_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    names.set(text, name);
    return name;
  };
}

/** Names nothing: on a connection that everybody shares, names collide. */
export const unnamed = () => '';

const TIMESTAMPTZ = 1184;
const types = {
  getTypeParser: (oid: number, format?: 'text') => (oid === TIMESTAMPTZ ? instant : pg.types.getTypeParser(oid, format)),
} as pg.CustomTypesConfig;
const anyInstant = pg.types.getTypeParser(TIMESTAMPTZ, 'text') as (text: string) => Date;

/** `2026-11-05 11:59:34.12+00`, as a server in UTC writes it, taken apart by place: a page has dozens of them, and the general parser is slow. */
function instant(text: string): Date {
  const year = digits(text, 0, 4);
  // Date.UTC takes years below 100 for those of the twentieth century.
  if (!(year >= 100) || text.charCodeAt(4) !== DASH || !text.endsWith('+00') || text.length > 26) return anyInstant(text);
  const fraction = text.length > 22 ? Number(text.slice(20, -3).padEnd(3, '0')) : 0;
  return new Date(
    Date.UTC(year, digits(text, 5, 7) - 1, digits(text, 8, 10), digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19), fraction),
  );
}

const DASH = 45;
const ZERO = 48;

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let place = from; place < to; place += 1) value = value * 10 + text.charCodeAt(place) - ZERO;
  return value;
}
