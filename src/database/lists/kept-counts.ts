import type { Sql } from '../sql.ts';
import { columnOf } from './conditions.ts';
import type { OrderBy } from './orders.ts';
import type { Skip } from './time-skip.ts';

/** The tables in which triggers maintain the number of each organization's rows, in a column `messages`. */
export interface KeptCounts {
  /** The table of the total numbers. */
  readonly totals: string;
  /** The table of the numbers per `day` (UTC). */
  readonly days: string;
  /** The field of a row that its day is taken from. */
  readonly dayOf: string;
}

/** A list of all rows of one owner, whose number is maintained. */
export interface CountedList {
  readonly owner: string;
  readonly counts: KeptCounts;
}

/** A row with a total as pg reads it: a bigint as text, `null` for an owner that never had a row. */
export interface TotalRow {
  readonly total: string | null;
}

export const totalOf = ({ total }: TotalRow): number => Number(total ?? 0);

/** Reads how many rows the list has. */
export async function readTotal(sql: Sql, { owner, counts }: CountedList): Promise<number> {
  const text = `SELECT (${totalText(counts, '$1')}) AS total`;
  const [row] = await sql.readTogether<TotalRow>({ text, values: [owner], types: ['text'], maxRows: 1 });
  return row ? totalOf(row) : 0;
}

/**
 * Makes the statement that reads the total.
 * @param owner the owner as SQL, such as a parameter
 */
export const totalText = ({ totals }: KeptCounts, owner: string) => `SELECT messages FROM ${totals} WHERE organization_sid = ${owner}`;

/** From this offset on, adding up the counts of days is faster than walking over the rows. */
const MIN_DAY_SKIP = 1000;

/** Whether the range is in the order of days and skips enough rows for skipping whole days first. */
export const isSkippedByDays = (
  { dayOf }: KeptCounts,
  { orderBy: [first = {}], skip }: { readonly orderBy: OrderBy; readonly skip: number },
) => skip >= MIN_DAY_SKIP && dayOf in first;

/**
 * Makes the parts of a statement that skips whole days by their counts.
 * @param owner the owner as SQL
 * @param skip the number of rows to skip, as SQL
 */
export function daySkip(
  { days, dayOf }: KeptCounts,
  { orderBy: [first = {}] }: { readonly orderBy: OrderBy },
  owner: string,
  skip: string,
): Skip {
  const isDescending = first[dayOf] === 'desc';
  const midnight = (day: string) => `(SELECT (${day})::timestamp AT TIME ZONE 'UTC' FROM place)`;
  return {
    with: `WITH place AS MATERIALIZED (
      SELECT day, before FROM (
        SELECT day, (sum(messages) OVER (ORDER BY day ${isDescending ? 'DESC' : 'ASC'}) - messages)::bigint AS before
        FROM ${days} WHERE organization_sid = ${owner}) AS days
      WHERE before <= ${skip} ORDER BY before DESC, day ${isDescending ? 'ASC' : 'DESC'} LIMIT 1)`,
    condition: isDescending ? `${columnOf(dayOf)} < ${midnight('day + 1')}` : `${columnOf(dayOf)} >= ${midnight('day')}`,
    skip: `${skip} - (SELECT before FROM place)`,
  };
}
