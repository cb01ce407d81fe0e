import type { Sql } from '../sql.ts';
import { countBounded, countBoundedOf, readBeyond, readBeyondOf, readBounded, readBoundedOf } from './bounded.ts';
import { BOUNDS, type TooWideError, type Total } from './bounds.ts';
import { columnOf, condition, Values } from './conditions.ts';
import { type CountedList, daySkip, isSkippedByDays, totalText } from './kept-counts.ts';
import { isOneRow, type Lead, leadsOf, matchesNothing } from './leads.ts';
import { orderTexts } from './orders.ts';
import { parentsText } from './proofs.ts';
import type { Projection, Range, Table } from './table.ts';
import { isSkippedByTime, type Skip, timeSkip } from './time-skip.ts';

/**
 * Reads the rows that Prisma's findMany would return, by one prepared statement, at a tenth of the cost.
 * @param fields the fields to read; the fields of the order are also read
 * @param list given if the range is of all rows of one owner, whose number is maintained
 * @throws TypeError as `condition`
 */
export function selectRows<Row extends object>(
  sql: Sql,
  table: Table<Row>,
  range: Range,
  fields: readonly string[] = table.fields,
  list?: CountedList,
): Promise<Row[]> {
  return readRange<Row>(sql, table, range, { columns: columnsOf(fields, range) }, list);
}

/**
 * Reads the same range within each of these parents, in one statement.
 * @param parentField the field that holds the parent's sid
 * @returns the rows of each parent, in the order of the parents; an error in place of those that would be too wide
 * @throws TypeError as `condition`
 */
export function selectRowsOf<Row extends object>(
  sql: Sql,
  table: Table<Row>,
  parentField: keyof Row & string,
  parents: readonly string[],
  range: Range,
  fields: readonly string[] = table.fields,
): Promise<(Row[] | TooWideError)[]> {
  return readRangeOf<Row>(sql, table, parentField, parents, range, { columns: columnsOf(fields, range) });
}

/**
 * Reads a projection of a range.
 * @param list given if the range is of all rows of one owner, whose number is maintained
 * @throws TooWideError if a table's list would read more rows than its bounds allow; TypeError as `condition`
 */
export function readRange<Row extends object>(
  sql: Sql,
  table: Table<never>,
  range: Range,
  projection: Projection,
  list?: CountedList,
): Promise<Row[]> {
  const values = new Values();
  const where = condition(range.where, values);
  let lead: Lead | undefined;
  const isSkipped = list !== undefined && list.counts.dayOf in (range.orderBy[0] ?? {});
  if (!isBatchable(table, range, values) && !isSkipped && table.indexes && !isOneRow(range.where)) {
    if (matchesNothing(range.where)) return Promise.resolve([]);
    const bounds = sql.bounds ?? BOUNDS;
    const leads = leadsOf(table, range.where, range.orderBy);
    const isServed = leads[0]?.isOrdered && leads[0].rest.length === 0;
    if (range.skip === 0 ? !list : !isServed) return readBounded<Row>(sql, table, range, projection, leads, bounds);
    if (range.skip > bounds.count) return readBeyond(sql, leads[0] as Lead, bounds);
    if (range.skip > 0) [lead] = leads;
  }
  if (lead) {
    const along = new Values();
    return sql.query<Row>(rangeText(table, projection, range, lead, along, list), along.given);
  }
  const text = rangeText(table, projection, range, where, values, list);
  if (!isBatchable(table, range, values)) return sql.query<Row>(text, values.given);
  const order = outerOrder(range, projection);
  return sql.readTogether<Row>({ text, values: values.given, types: values.types, order, maxRows: range.take });
}

/**
 * Reads a projection of the same range within each of these parents, in one statement.
 * @returns the rows of each parent, in the order of the parents; an error in place of those that would be too wide
 * @throws TypeError as `condition`
 */
export async function readRangeOf<Row extends object>(
  sql: Sql,
  table: Table<never>,
  parentField: string,
  parents: readonly string[],
  range: Range,
  projection: Projection,
): Promise<(Row[] | TooWideError)[]> {
  if (parents.length === 0) return [];
  const direct = new Values();
  const given = condition(range.where, direct);
  let lead: Lead | undefined;
  if (table.indexes && !(direct.isOwnerAlone(table.owner) && isServedWithin(table, parentField, range))) {
    if (matchesNothing(range.where)) return parents.map(() => []);
    const bounds = sql.bounds ?? BOUNDS;
    const leads = leadsOf(table, range.where, range.orderBy, parentField);
    lead = leads.find(({ isOfParent }) => isOfParent);
    const isServed = lead?.rest.length === 0 && (lead.isOrdered || table.smallParents?.includes(parentField));
    if (!isServed) return readBoundedOf<Row>(sql, table, parentField, parents, range, projection, leads, bounds);
    if (range.skip > bounds.count) return readBeyondOf(sql, parents, lead as Lead, bounds);
  }
  const along = range.skip > 0 && lead?.isOrdered ? lead : undefined;
  const values = along ? new Values() : direct;
  const sids = values.add(parents.join(), parentField);
  const source = along ?? `${columnOf(parentField)} = parent.sid AND ${given}`;
  const text = `SELECT parent.place, found.* FROM ${parentsText(sids)}
     CROSS JOIN LATERAL (${rangeText(table, projection, range, source, values)}) AS found`;
  const orderWithin = outerOrder(range, projection);
  const order = orderWithin ? `found.place, ${orderWithin}` : 'found.place';
  const maxRows = parents.length * range.take;
  const found =
    maxRows <= MAX_NESTED_ROWS && isBatchable(table, range, values, parentField)
      ? await sql.readTogether<Row & ChildRow>({ text, types: values.types, order, maxRows, values: values.given })
      : await sql.query<Row & ChildRow>(`SELECT * FROM (${text}) AS found ORDER BY ${order}`, values.given);
  const rowsByParent = parents.map((): Row[] => []);
  for (const row of found) rowsByParent[row.place - 1]?.push(row);
  return rowsByParent;
}

/** Whether an index leads to the first rows of each parent, all of them in the order of the range: no lead need be worked out. */
function isServedWithin({ indexes, smallParents }: Table<never>, parentField: string, { skip, orderBy }: Range): boolean {
  if (skip > 0) return false;
  if (smallParents?.includes(parentField)) return true;
  const [field] = orderTexts(orderBy).fields;
  return indexes?.some(({ by, only, order }) => by === parentField && !only && order === field) ?? false;
}

/** A row of one of many parents: `place` is its parent's place among them, from 1. */
interface ChildRow {
  readonly place: number;
}

/** The longest page of the graph, and one row that shows whether there are more. */
const MAX_BATCHABLE_PAGE = 101;
/** How many rows of all parents a statement may return to be batched with others. */
const MAX_NESTED_ROWS = 1000;

/** Whether an index leads directly to the rows, for any owner: such a statement is short, and its plan is always the same. */
function isBatchable({ owner }: Table<never>, range: Range, values: Values, parentField?: string): boolean {
  return (
    owner !== undefined &&
    range.skip === 0 &&
    range.take <= MAX_BATCHABLE_PAGE &&
    values.areIndexed(owner, parentField, orderTexts(range.orderBy).fields)
  );
}

/** Reads all rows that match the condition, in no particular order. */
export function selectAll<Row extends object>(sql: Pick<Sql, 'query'>, table: Table<Row>, where: object): Promise<Row[]> {
  const values = new Values();
  return sql.query<Row>(`SELECT ${columnList(table.fields)} FROM ${table.name} WHERE ${condition(where, values)}`, values.given);
}

/** Reads the one row that has these texts in these fields, like Prisma's findUnique; `null` if there is none. */
export async function selectRow<Row extends object>(sql: Sql, table: Table<Row>, where: object): Promise<Row | null> {
  const values = new Values();
  const text = `SELECT ${columnList(table.fields)} FROM ${table.name} WHERE ${condition(where, values)}`;
  const [row] = await sql.readTogether<Row>({ text, values: values.given, types: values.types, maxRows: 1 });
  return row ?? null;
}

/** Counts all rows that match the condition. */
export async function countRows<Row extends object>(sql: Pick<Sql, 'query'>, table: Table<Row>, where: object): Promise<number> {
  const values = new Values();
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${table.name} WHERE ${condition(where, values)}`,
    values.given,
  );
  return row?.count ?? 0;
}

/** Counts all rows of each parent that match the condition, in the order of the parents. */
export async function countRowsOf<Row extends object>(
  sql: Pick<Sql, 'query'>,
  table: Table<Row>,
  parentField: keyof Row & string,
  parents: readonly string[],
  where: object,
): Promise<number[]> {
  const values = new Values();
  values.add(parents);
  const parent = columnOf(parentField);
  const rows = await sql.query<{ parent: string; count: number }>(
    `SELECT ${parent} AS parent, count(*)::int AS count FROM ${table.name}
     WHERE ${parent} = ANY($1) AND ${condition(where, values)} GROUP BY ${parent}`,
    values.given,
  );
  const counts = new Map(rows.map((row) => [row.parent, row.count]));
  return parents.map((sid) => counts.get(sid) ?? 0);
}

/** Counts the rows that match the condition, as far as the bounds of the table's lists let it. */
export async function countWithin<Row extends object>(sql: Sql, table: Table<Row>, where: object): Promise<Total> {
  if (matchesNothing(where)) return { count: 0, isExact: true };
  if (table.indexes && !isOneRow(where)) return countBounded(sql, table as Table<never>, where, sql.bounds ?? BOUNDS);
  return { count: await countRows(sql, table, where), isExact: true };
}

/** The same for the rows of each parent, in the order of the parents. */
export async function countWithinOf<Row extends object>(
  sql: Sql,
  table: Table<Row>,
  parentField: keyof Row & string,
  parents: readonly string[],
  where: object,
): Promise<Total[]> {
  if (matchesNothing(where)) return parents.map(() => ({ count: 0, isExact: true }));
  if (table.indexes) return countBoundedOf(sql, table as Table<never>, parentField, parents, where, sql.bounds ?? BOUNDS);
  return (await countRowsOf(sql, table, parentField, parents, where)).map((count) => ({ count, isExact: true }));
}

const columnLists = new WeakMap<readonly string[], string>();

/** Lists columns under their Prisma names, for SELECT or RETURNING; made once per array of fields. */
export function columnList(fields: readonly string[]): string {
  let list = columnLists.get(fields);
  if (list === undefined) {
    list = fields.map(namedColumn).join(', ');
    columnLists.set(fields, list);
  }
  return list;
}

function columnsOf(fields: readonly string[], range: Range): string {
  const list = columnList(fields);
  const missing = orderTexts(range.orderBy).fields.filter((field) => !fields.includes(field));
  return missing.length === 0 ? list : [list, ...missing.map(namedColumn)].join(', ');
}

const namedColumn = (field: string) => `${columnOf(field)} AS "${field}"`;

/**
 * Makes the statement that reads a projection of a range.
 * @param source the condition on its rows; or the lead that serves all its conditions, for a range that skips rows
 */
function rangeText(
  table: Table<never>,
  { columns, aggregate, counted }: Projection,
  range: Range,
  source: string | Lead,
  values: Values,
  list?: CountedList,
): string {
  const { name, owner } = table;
  const order = `ORDER BY ${orderTexts(range.orderBy).sql}`;
  const limit = values.add(range.take);
  const rows = () => {
    if (range.skip === 0) return `SELECT ${columns} FROM ${name} WHERE ${source} ${order} LIMIT ${limit}`;
    // The skipped rows are walked over in the index alone: a third of the time, half a million rows deep.
    const start = skipOf(table, range, source, values, list);
    const walk = typeof source === 'string' ? order : `ORDER BY ${source.order}`;
    const behind = `${start.with} SELECT sid AS behind FROM ${name} WHERE ${start.condition} ${walk} LIMIT ${limit} OFFSET ${start.skip}`;
    return `SELECT ${columns} FROM ${name} JOIN (${behind}) AS skipped ON sid = skipped.behind ${order}`;
  };
  if (!aggregate) return rows();
  return aggregate(rows(), list && counted ? `, (${totalText(list.counts, values.add(list.owner, owner))}) AS total` : '');
}

/** Makes the parts of a statement that skips the rows before a range, by the counts of days or from a time on if that is faster. */
function skipOf({ name, owner, time }: Table<never>, range: Range, source: string | Lead, values: Values, list?: CountedList): Skip {
  const skip = values.add(range.skip);
  if (typeof source !== 'string') {
    if (time && isSkippedByTime(time, range)) return timeSkip(name, time, source, range, values, skip);
    return { with: '', condition: source.where(values), skip };
  }
  if (!list || !isSkippedByDays(list.counts, range)) return { with: '', condition: source, skip };
  const byDays = daySkip(list.counts, range, values.add(list.owner, owner), skip);
  return { ...byDays, condition: `${source} AND ${byDays.condition}` };
}

/** Returns the order of a range's rows in a statement around it; `undefined` for an aggregate, which is one row. */
const outerOrder = (range: Range, { aggregate }: Projection) => (aggregate ? undefined : orderTexts(range.orderBy).outer);
