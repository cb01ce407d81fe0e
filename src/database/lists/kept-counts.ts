import type { Sql } from '../sql.ts';
import { BOUNDS, type Total } from './bounds.ts';
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

/** A window of time; both bounds are inclusive, and an absent one is open. */
interface TimeWindow {
  readonly from?: Date;
  readonly to?: Date;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const LAST_DAY = Date.UTC(9999, 11, 31);
const midnightOf = (time: Date) => new Date(Math.floor(time.getTime() / DAY_MS) * DAY_MS);

/**
 * Counts the rows of the list within a window of time: whole days by their kept numbers, the parts of days at its ends one by one, as far as the bounds let it.
 * @param table the name of the table
 */
export async function countWindow(sql: Sql, table: string, { owner, counts }: CountedList, { from, to }: TimeWindow): Promise<Total> {
  const { count: bound } = sql.bounds ?? BOUNDS;
  const { days, dayOf } = counts;
  const time = columnOf(dayOf);
  // Whole days are from the first midnight in the window, up to the last one.
  const firstDay = from && midnightOf(new Date(from.getTime() + DAY_MS - 1));
  const lastDay = to && midnightOf(to);
  const given: unknown[] = [owner];
  const place = (value: Date) => `$${given.push(value.toISOString())}::timestamptz`;
  const within = (start: Date | undefined, end: Date | undefined, isEndIncluded: boolean) => [
    ...(start ? [`${time} >= ${place(start)}`] : []),
    ...(end ? [`${time} ${isEndIncluded ? '<=' : '<'} ${place(end)}`] : []),
  ];
  const parts: string[][] = [];
  const hasWholeDays = !firstDay || firstDay.getTime() <= (lastDay?.getTime() ?? LAST_DAY);
  if (!hasWholeDays) parts.push(within(from, to, true));
  else {
    if (from && firstDay && from < firstDay) parts.push(within(from, firstDay, false));
    if (to && lastDay) parts.push(within(lastDay, to, true));
  }
  const day = (value: Date) => `(${place(value)} AT TIME ZONE 'UTC')::date`;
  const whole = hasWholeDays
    ? [...(firstDay ? [`day >= ${day(firstDay)}`] : []), ...(lastDay ? [`day < ${day(lastDay)}`] : [])]
    : ['false'];
  const counted = parts.map(
    (part) =>
      `(SELECT count(*) FROM (SELECT FROM ${table} WHERE organization_sid = $1 AND ${part.join(' AND ')} ORDER BY ${time} LIMIT ${bound + 1}) AS part)`,
  );
  const [row] = await sql.query<{ whole: string | null; parts: string[] }>(
    `SELECT (SELECT sum(messages) FROM ${days} WHERE ${['organization_sid = $1', ...whole].join(' AND ')}) AS whole,
       ARRAY[${counted.join(', ')}]::bigint[] AS parts`,
    given,
  );
  const numbers = (row?.parts ?? []).map(Number);
  const sum = Number(row?.whole ?? 0) + numbers.reduce((total, number) => total + Math.min(number, bound), 0);
  return { count: sum, isExact: numbers.every((number) => number <= bound) };
}

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
