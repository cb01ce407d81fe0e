import { columnOf, type Values } from './conditions.ts';
import { type OrderBy, orderTexts } from './orders.ts';

/** The fields of a table's indexes that end in a time, without the sid that sorts rows of one time. */
export interface TimeIndexes {
  /** The time. */
  readonly time: string;
  /** The one field of each, besides the owner and the time. */
  readonly fields: readonly string[];
}

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

/** Whether one of these indexes has all that the range's condition compares, and its order. */
export const isSkippedByTime = (
  { time, fields }: TimeIndexes,
  owner: string,
  { orderBy, skip }: { readonly orderBy: OrderBy; readonly skip: number },
  values: Values,
): boolean =>
  skip >= MIN_TIME_SKIP && time === orderTexts(orderBy).fields[0] && fields.some((field) => values.compareOnly([owner, field, time]));

/**
 * Makes the parts of a statement that finds the time of the first row after those to skip, and how many rows are before that time.
 * @param where the range's condition
 * @param skip the number of rows to skip, as SQL
 */
export function timeSkip(
  table: string,
  { time }: TimeIndexes,
  { orderBy: [first = {}] }: { readonly orderBy: OrderBy },
  where: string,
  skip: string,
): Skip {
  const column = columnOf(time);
  const [direction, before, from, last, earliest] =
    first[time] === 'desc' ? (['DESC', '>', '<=', 'min', 'max'] as const) : (['ASC', '<', '>=', 'max', 'min'] as const);
  return {
    with: `WITH around AS MATERIALIZED (
      SELECT ${column} AS time FROM ${table} WHERE ${where} ORDER BY ${column} ${direction} LIMIT ${LOOK_BACK + 1} OFFSET ${skip} - ${LOOK_BACK}
    ), reached AS MATERIALIZED (
      SELECT CASE WHEN count(*) > ${LOOK_BACK} THEN ${last}(time) END AS time, ${earliest}(time) AS earliest FROM around
    ), place AS MATERIALIZED (
      SELECT time, CASE WHEN time <> earliest THEN ${skip} + 1 - (SELECT count(*) FROM around WHERE around.time = reached.time)
        ELSE (SELECT count(*) FROM ${table} WHERE ${where} AND ${column} ${before} reached.time) END AS before FROM reached)`,
    condition: `${column} ${from} (SELECT time FROM place)`,
    skip: `${skip} - (SELECT before FROM place)`,
  };
}
