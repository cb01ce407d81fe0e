import type { QueryResultRow } from 'pg';
import type { Sql } from '../sql.ts';
import type { Values } from './conditions.ts';
import { orderTexts } from './orders.ts';
import type { Projection, Range } from './table.ts';

// Pages with a proof by the same statement, in a column `isComplete`: a proof of another moment would prove nothing.

/** A row of a statement that proves its page. A page without rows has one without values, but for the proof. */
interface Proved {
  /** Whether the page is full, or all rows were seen. */
  readonly isComplete: boolean;
}

/** A packed page is always one row, without a sid. */
const isFound = (row: object) => (row as { readonly sid?: string | null }).sid !== null;

const withoutProof = <Row extends object>({ isComplete, ...row }: Row & Proved) => row as unknown as Row;

const pageOf = <Row extends object>(rows: readonly (Row & Proved)[]): Row[] | undefined =>
  rows[0]?.isComplete ? rows.filter(isFound).map(withoutProof) : undefined;

/** Reads a page by a statement that proves it; `undefined` if it may lack rows. */
export const readProved = async <Row extends object>(
  sql: Sql,
  text: string,
  values: Values,
  how: 'query' | 'queryBriefly' = 'query',
): Promise<Row[] | undefined> => pageOf<Row>(await sql[how]<Row & Proved & QueryResultRow>(text, values.given));

/**
 * Reads the page of each parent by a statement that proves it, in the order of the parents; `undefined` for one that may lack rows.
 * @param textOf makes the statement for one parent
 * @param brief given if the statement is to be brief: its WITH clause
 */
export async function readProvedOf<Row extends object>(
  sql: Sql,
  parents: readonly string[],
  { orderBy }: Range,
  { aggregate }: Projection,
  values: Values,
  textOf: () => string,
  brief?: { readonly beginning: string },
): Promise<(Row[] | undefined)[]> {
  const sids = values.add(parents.join());
  const text = `SELECT parent.place, found.* FROM ${parentsText(sids)} CROSS JOIN LATERAL (${textOf()}) AS found`;
  const order = aggregate ? '' : `, ${orderTexts(orderBy).outer}`;
  const rows = await sql[brief ? 'queryBriefly' : 'query']<Row & Proved & { readonly place: number }>(
    `${brief?.beginning ?? ''} SELECT * FROM (${text}) AS found ORDER BY found.place${order}`,
    values.given,
  );
  const rowsByParent = parents.map((): (Row & Proved)[] => []);
  for (const row of rows) rowsByParent[row.place - 1]?.push(row);
  return rowsByParent.map(pageOf<Row>);
}

/** The FROM item of parents, with their places from 1. */
export const parentsText = (sids: string) =>
  `(SELECT sid COLLATE "C" AS sid, place::int AS place FROM unnest(string_to_array(${sids}, ',')) WITH ORDINALITY AS given (sid, place)) AS parent`;

/**
 * Adds the proof to a page.
 * @param proof makes a condition of the number of the page's rows
 */
export function proving({ aggregate }: Projection, range: Range, page: string, proof: (count: string) => string): string {
  if (aggregate) return aggregate(page, `, ${proof('count(*)')} AS "isComplete"`);
  return `SELECT found.*, ${proof('count(found.sid) OVER ()')} AS "isComplete" FROM (SELECT) AS page LEFT JOIN (${page}) AS found ON true
     ORDER BY ${orderTexts(range.orderBy).outer}`;
}

export const limitText = ({ take, skip }: Range, values: Values) =>
  `LIMIT ${values.add(take)}${skip > 0 ? ` OFFSET ${values.add(skip)}` : ''}`;
