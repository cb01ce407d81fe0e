import type { Bounds, Sql } from '../sql.ts';
import { countBoundOf, pageBoundOf, SCATTERED, TooWideError, type Total } from './bounds.ts';
import { Values } from './conditions.ts';
import { type Lead, leadsOf, restText } from './leads.ts';
import { type OrderBy, orderTexts } from './orders.ts';
import type { Projection, Range, Table } from './table.ts';

// Pages and totals of lists whose conditions no index serves altogether. Each statement walks along an index for a bounded number of rows, and checks the
// other conditions on them.

/**
 * Reads a page, along the first of these leads by which it is certain to be right: the page is full, or the walk has seen all rows.
 * @throws TooWideError if there is none within the bounds
 */
export async function readBounded<Row extends object>(
  sql: Sql,
  table: Table<never>,
  range: Range,
  projection: Projection,
  leads: readonly Lead[],
  bounds: Bounds,
): Promise<Row[]> {
  const [first, ...others] = leads;
  if (!first?.isOrdered) throw new TypeError(`${table.name} has no index in the order of the list`);
  const bound = within(range.skip > 0 ? bounds.count : bounds.page, first);
  const few = first.rest.length === 0 ? undefined : others.find(({ isOrdered, isDense }) => !isOrdered && !isDense);
  const fewBound = few ? Math.min(FEW, within(bounds.page, few)) : 0;
  const read = (lead: Lead) => {
    const values = new Values();
    const isFirst = lead === first;
    const text = pageText(
      table,
      projection,
      range,
      lead,
      isFirst ? bound : bounds.page,
      values,
      isFirst ? few && { lead: few, bound: fewBound } : undefined,
    );
    return sql.query<Row>(text, values.given);
  };
  const rows = await read(first);
  if (first.rest.length === 0 || isFull(rows, range, projection)) return rows;
  if (few && (await isComplete(sql, few, fewBound))) return rows;
  if (await isComplete(sql, first, bound)) return rows;
  for (const lead of others) if (await isComplete(sql, lead, within(bounds.page, lead))) return read(lead);
  throw new TooWideError();
}

/** How many rows a lead may lead to so that each is looked at in its table. */
const within = (bound: number, { isDense }: Lead) => (isDense ? bound : Math.ceil(bound / SCATTERED));

/** So few rows that an index leads to are read and sorted, in place of a walk in the list's order. */
const FEW = 200;

/** Reads the same page within each of these parents. A page that would be too wide is an error in its place. */
export async function readBoundedOf<Row extends object>(
  sql: Sql,
  table: Table<never>,
  parents: readonly string[],
  range: Range,
  projection: Projection,
  leads: readonly Lead[],
  bounds: Bounds,
): Promise<(Row[] | TooWideError)[]> {
  const bound = pageBoundOf(bounds, parents.length);
  const pages = new Map<string, Row[]>();
  const ofParent = leads.find((lead) => lead.isOfParent);
  const inOrder = leads.find((lead) => lead.isOrdered && !lead.isOfParent);
  for (const lead of ofParent?.isOrdered ? [ofParent] : [ofParent, inOrder]) {
    const missing = parents.filter((sid) => !pages.has(sid));
    if (!lead || missing.length === 0) continue;
    const found = await readOf<Row>(sql, table, missing, range, projection, lead, bound);
    const unsure = found.flatMap((rows, at) => (lead.isOrdered && isFull(rows, range, projection) ? [] : [missing[at] as string]));
    const isServed = lead.isOrdered && lead.rest.length === 0;
    const walked = unsure.length === 0 || isServed ? [] : await walkedOf(sql, unsure, lead, bound);
    const tooWide = new Set(unsure.filter((_, at) => (walked[at] ?? 0) > bound));
    for (const [at, sid] of missing.entries()) if (!tooWide.has(sid)) pages.set(sid, found[at] as Row[]);
  }
  return parents.map((sid) => pages.get(sid) ?? new TooWideError());
}

/**
 * Checks an offset beyond the bound of totals, along a lead that serves all conditions: if there are no more rows than the bound, the page is empty.
 * @throws TooWideError
 */
export async function readBeyond(sql: Sql, lead: Lead, { count }: Bounds): Promise<never[]> {
  if (!(await isComplete(sql, lead, count))) throw new TooWideError();
  return [];
}

/** The same for each of these parents. */
export const readBeyondOf = async (
  sql: Sql,
  parents: readonly string[],
  lead: Lead,
  { count }: Bounds,
): Promise<(never[] | TooWideError)[]> =>
  (await walkedOf(sql, parents, lead, count)).map((walked) => (walked > count ? new TooWideError() : []));

/** Counts the rows that match, as far as the bounds let it. */
export async function countBounded(sql: Sql, table: Table<never>, where: object, bounds: Bounds): Promise<Total> {
  const leads = leadsOf(table, where, plainOrder(table));
  const served = leads.find(({ rest }) => rest.length === 0);
  if (served) return servedTotal(await walkedBy(sql, served, bounds.count), bounds.count);
  const [first, ...others] = leads as [Lead, ...Lead[]];
  const found = await countAlong(sql, table, first, within(bounds.page, first));
  if (found.isExact) return found;
  for (const lead of others) {
    // Sids are looked up one by one.
    const bound = within(lead.order ? bounds.count : bounds.page, lead);
    if (await isComplete(sql, lead, bound)) return countAlong(sql, table, lead, bound);
  }
  return countAlong(sql, table, first, within(bounds.count, first));
}

/** Counts the rows of each parent, as far as the bounds let it. */
export async function countBoundedOf(
  sql: Sql,
  table: Table<never>,
  parentField: string,
  parents: readonly string[],
  where: object,
  bounds: Bounds,
): Promise<Total[]> {
  const lead = leadsOf(table, where, plainOrder(table), parentField).find(({ isOfParent }) => isOfParent) as Lead;
  const bound = countBoundOf(bounds, parents.length);
  if (lead.rest.length === 0) return (await walkedOf(sql, parents, lead, bound)).map((walked) => servedTotal(walked, bound));
  const values = new Values();
  const sids = values.add(parents.join());
  const rows = await sql.query<Counted>(
    `SELECT counted.* FROM ${parentsText(sids)} CROSS JOIN LATERAL (${countText(table, lead, bound, values)}) AS counted ORDER BY parent.place`,
    values.given,
  );
  return rows.map((row) => totalOf(row, bound));
}

const servedTotal = (walked: number, bound: number): Total => ({ count: Math.min(walked, bound), isExact: walked <= bound });

interface Counted {
  readonly count: number;
  readonly walked: number;
}

const totalOf = ({ count, walked }: Counted, bound: number): Total => ({ count: Math.min(count, bound), isExact: walked <= bound });

async function countAlong(sql: Sql, table: Table<never>, lead: Lead, bound: number): Promise<Total> {
  const values = new Values();
  const [row] = await sql.query<Counted>(countText(table, lead, bound, values), values.given);
  return totalOf(row as Counted, bound);
}

/** One row more than the bound shows that there are more. */
function countText({ name }: Table<never>, lead: Lead, bound: number, values: Values): string {
  const walked = walkText('*', lead, bound + 1, values);
  return `SELECT (count(*) FILTER (WHERE ${restText(lead.rest, values)}))::int AS count, count(*)::int AS walked FROM (${walked}) AS ${name}`;
}

/** The order of the list by creation. */
function plainOrder({ indexes = [] }: Table<never>): OrderBy {
  const plain = indexes.find(({ by, only }) => !by && !only);
  return [{ [plain?.order as string]: 'asc' }, { sid: 'asc' }];
}

const isFull = (rows: readonly object[], { take }: Range, { aggregate }: Projection) =>
  (aggregate ? (rows[0] as { readonly count: number }).count : rows.length) === take;

const isComplete = async (sql: Sql, lead: Lead, bound: number) => (await walkedBy(sql, lead, bound)) <= bound;

/** Counts the rows that the lead leads to, up to one more than the bound. */
async function walkedBy(sql: Sql, lead: Lead, bound: number): Promise<number> {
  const values = new Values();
  const [row] = await sql.query<{ walked: number }>(walkedText(lead, bound, values), values.given);
  return row?.walked ?? 0;
}

/** The same for each parent. */
async function walkedOf(sql: Sql, parents: readonly string[], lead: Lead, bound: number): Promise<number[]> {
  const values = new Values();
  const sids = values.add(parents.join());
  const rows = await sql.query<{ walked: number }>(
    `SELECT walked FROM ${parentsText(sids)} CROSS JOIN LATERAL (${walkedText(lead, bound, values)}) AS counted ORDER BY parent.place`,
    values.given,
  );
  return rows.map(({ walked }) => walked);
}

const walkedText = (lead: Lead, bound: number, values: Values) =>
  `SELECT count(*)::int AS walked FROM (${walkText('', lead, bound + 1, values)}) AS walked`;

async function readOf<Row extends object>(
  sql: Sql,
  table: Table<never>,
  parents: readonly string[],
  range: Range,
  projection: Projection,
  lead: Lead,
  bound: number,
): Promise<Row[][]> {
  const values = new Values();
  const sids = values.add(parents.join());
  const text = `SELECT parent.place, found.* FROM ${parentsText(sids)}
     CROSS JOIN LATERAL (${pageText(table, projection, range, lead, bound, values)}) AS found`;
  const order = projection.aggregate ? '' : `, ${orderTexts(range.orderBy).outer}`;
  const rows = await sql.query<Row & { readonly place: number }>(
    `SELECT * FROM (${text}) AS found ORDER BY found.place${order}`,
    values.given,
  );
  const rowsByParent = parents.map((): Row[] => []);
  for (const row of rows) rowsByParent[row.place - 1]?.push(row);
  return rowsByParent;
}

/** The FROM item of parents, with their places from 1. */
export const parentsText = (sids: string) =>
  `(SELECT sid COLLATE "C" AS sid, place::int AS place FROM unnest(string_to_array(${sids}, ',')) WITH ORDINALITY AS given (sid, place)) AS parent`;

/**
 * Makes the statement that reads a page along a lead, of at most so many rows.
 * @param few another lead: if it leads to no more rows than its bound, the page is made of these
 */
function pageText(
  { name }: Table<never>,
  { columns, aggregate }: Projection,
  range: Range,
  lead: Lead,
  bound: number,
  values: Values,
  few?: { readonly lead: Lead; readonly bound: number },
): string {
  const limit = `LIMIT ${values.add(range.take)}${range.skip > 0 ? ` OFFSET ${values.add(range.skip)}` : ''}`;
  const select = `SELECT ${columns}`;
  const pack = (rows: string) => (aggregate ? aggregate(rows, '') : rows);
  if (lead.isOrdered && lead.rest.length === 0) return pack(`${select} ${lead.walks(values, '')[0]} ${limit}`);
  const byRange = orderTexts(range.orderBy).sql;
  const walk = walkText('*', lead, bound, values);
  const order = lead.isOrdered ? lead.order : byRange;
  const along = (gate: string) =>
    `${select} FROM (${walk}) AS ${name} WHERE ${gate}${restText(lead.rest, values)} ORDER BY ${order} ${limit}`;
  if (!few) return pack(along(''));
  const sids = walkText('sid', few.lead, few.bound + 1, values);
  const areFew = `(SELECT count(*) FROM few) <= ${few.bound}`;
  const rest = restText(few.lead.rest, values);
  const ofFew = `${select} FROM ${name} WHERE ${areFew} AND sid = ANY (ARRAY(SELECT sid FROM few)) AND ${rest} ORDER BY ${byRange} ${limit}`;
  return `WITH few AS MATERIALIZED (${sids}) ${pack(`(${ofFew}) UNION ALL (${along(`NOT ${areFew} AND `)})`)}`;
}

/** Makes the statement that walks along a lead. */
function walkText(columns: string, lead: Lead, bound: number, values: Values): string {
  const walks = lead.walks(values, String(bound)).map((walk) => `SELECT ${columns} ${walk} LIMIT ${bound}`);
  return walks.length === 1 ? (walks[0] as string) : walks.map((walk) => `(${walk})`).join(' UNION ALL ');
}
