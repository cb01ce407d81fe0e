import { columnOf, type Values } from './conditions.ts';
import type { Lead } from './leads.ts';
import { orderTexts } from './orders.ts';
import type { Range } from './table.ts';

/** The parts of a statement that begins at the time at which the rows to skip end. */
export interface Skip {
  /** Its WITH clause. */
  readonly with: string;
  /** The condition on rows from there on. */
  readonly condition: string;
  /** How many of those rows remain to be skipped, as SQL. */
  readonly skip: string;
}

/** From this offset on, finding the time first is faster: its walk is in the index alone, which has no sid to sort by. */
const MIN_TIME_SKIP = 1000;
/** How many rows before the first one are looked at for those of its time. Only if all of them are of its time are the rows before it counted. */
const LOOK_BACK = 1000;

/** Whether the range is in the order of this time, and skips enough rows. */
export const isSkippedByTime = (time: string, { orderBy, skip }: Range): boolean =>
  skip >= MIN_TIME_SKIP && time === orderTexts(orderBy).fields[0];

/**
 * Makes the parts of a statement that finds the time of the first row after those to skip, and how many rows are before that time.
 * @param lead leads to the range's rows, in its order, and serves all its conditions
 * @param skip the number of rows to skip, as SQL
 */
export function timeSkip(table: string, time: string, lead: Lead, { orderBy: [first = {}] }: Range, values: Values, skip: string): Skip {
  const column = columnOf(time);
  const [before, operator, last, earliest] =
    first[time] === 'desc' ? (['>', '<=', 'min', 'max'] as const) : (['<', '>=', 'max', 'min'] as const);
  const where = lead.where(values);
  const walk = (limit: string) => `SELECT ${column} AS time FROM ${table} WHERE ${where} ORDER BY ${lead.indexOrder} LIMIT ${limit}`;
  return {
    with: `WITH around AS MATERIALIZED (
      ${walk(`${LOOK_BACK + 1} OFFSET ${skip} - ${LOOK_BACK}`)}
    ), reached AS MATERIALIZED (
      SELECT CASE WHEN count(*) > ${LOOK_BACK} THEN ${last}(time) END AS time, ${earliest}(time) AS earliest FROM around
    ), place AS MATERIALIZED (
      SELECT time, CASE WHEN time <> earliest THEN ${skip} + 1 - (SELECT count(*) FROM around WHERE around.time = reached.time)
        ELSE (SELECT count(*) FROM (${walk(skip)}) AS skipped WHERE skipped.time ${before} reached.time) END AS before FROM reached)`,
    condition: lead.where(values, { operator, value: '(SELECT time FROM place)' }),
    skip: `${skip} - (SELECT before FROM place)`,
  };
}
