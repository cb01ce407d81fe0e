import type { Sql } from '../sql.ts';
import { quoted } from './conditions.ts';
import type { OrderBy } from './orders.ts';

/** How many rows each organization has in a table, kept by triggers: in tables with the column `messages` beside the organization's. */
export interface KeptCounts {
  /** The table of the numbers in all. */
  readonly totals: string;
  /** The table of the numbers of each `day` (UTC). */
  readonly days: string;
  /** Which of a row's times its day is of. */
  readonly dayOf: string;
}

/** All rows of an owner, where their number is kept. */
export interface AllOf {
  readonly owner: string;
  readonly counts: KeptCounts;
}

/** A count as pg reads it. */
export interface Counted {
  readonly total: string | null;
}

export const totalOf = (counted: Counted | undefined): number => Number(counted?.total ?? 0);

/** How many rows an owner has. */
export async function readTotal(sql: Sql, { owner, counts }: AllOf): Promise<number> {
  const text = `SELECT (${totalText(counts, '$1')}) AS total`;
  const [row] = await sql.readTogether<Counted>({ text, values: [owner], types: ['text'], most: 1 });
  return totalOf(row);
}

/** A statement for it. @param owner the owner, as the statement around it has it */
export const totalText = ({ totals }: KeptCounts, owner: string) => `SELECT messages FROM ${totals} WHERE organization_sid = ${owner}`;

/** Days are summed up instead of walking over rows from here on: sooner, walking is cheaper. */
const FAR = 1000;

/** Is so much skipped, in an order by the day, that it is better skipped by days? */
export const isFar = ({ dayOf }: KeptCounts, { orderBy: [first = {}], skip }: { readonly orderBy: OrderBy; readonly skip: number }) =>
  skip >= FAR && dayOf in first;

/** How a statement comes to the day of the row that has so many in front of it. */
interface DayTexts {
  /** What it begins with. */
  readonly with: string;
  /** The condition on the rows from that day on. */
  readonly condition: string;
  /** How many of them are in front of the row. */
  readonly skip: string;
}

/** @param owner the owner, and @param skip how many rows, as the statement has them */
export function dayTexts(
  { days, dayOf }: KeptCounts,
  { orderBy: [first = {}] }: { readonly orderBy: OrderBy },
  owner: string,
  skip: string,
): DayTexts {
  const isBackward = first[dayOf] === 'desc';
  const midnight = (day: string) => `(SELECT (${day})::timestamp AT TIME ZONE 'UTC' FROM place)`;
  return {
    with: `WITH place AS MATERIALIZED (
      SELECT day, before FROM (
        SELECT day, (sum(messages) OVER (ORDER BY day ${isBackward ? 'DESC' : 'ASC'}) - messages)::bigint AS before
        FROM ${days} WHERE organization_sid = ${owner}) AS days
      WHERE before <= ${skip} ORDER BY before DESC, day ${isBackward ? 'ASC' : 'DESC'} LIMIT 1)`,
    condition: isBackward ? `${quoted(dayOf)} < ${midnight('day + 1')}` : `${quoted(dayOf)} >= ${midnight('day')}`,
    skip: `${skip} - (SELECT before FROM place)`,
  };
}
