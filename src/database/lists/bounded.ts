import type { Bounds, Sql } from '../sql.ts';
import { SCATTERED, shareOf, TooWideError, type Total } from './bounds.ts';
import { countByText, countByTextOf, isRare, readByText, readByTextOf } from './by-text.ts';
import { Values } from './conditions.ts';
import { type Lead, leadsOf, restText } from './leads.ts';
import { type OrderBy, orderTexts } from './orders.ts';
import { limitText, parentsText, proving, readProved, readProvedOf } from './proofs.ts';
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
  const values = new Values();
  if (first.rest.length === 0) return sql.query<Row>(pageText(table, projection, range, first, bound, values), values.given);
  const page = await readProved<Row>(
    sql,
    provedText(table, projection, range, first, bound, values, few && { lead: few, bound: fewBound }),
    values,
  );
  if (page) return page;
  for (const lead of others) {
    const into = new Values();
    const found = await readProved<Row>(sql, gatedText(table, projection, range, lead, within(bounds.page, lead), into), into);
    if (found) return found;
  }
  const found = await readByText<Row>(sql, table, range, projection, bounds);
  if (found) return found;
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
  parentField: string,
  parents: readonly string[],
  range: Range,
  projection: Projection,
  leads: readonly Lead[],
  bounds: Bounds,
): Promise<(Row[] | TooWideError)[]> {
  const bound = shareOf(bounds, parents.length, bounds.page);
  const pages = new Map<string, Row[]>();
  const missing = () => parents.filter((sid) => !pages.has(sid));
  const keep = (of: readonly string[], found: readonly (Row[] | undefined)[]) => {
    for (const [at, page] of found.entries()) if (page) pages.set(of[at] as string, page);
  };
  const ofParent = leads.find((lead) => lead.isOfParent);
  const inOrder = leads.find((lead) => lead.isOrdered && !lead.isOfParent);
  for (const lead of ofParent?.isOrdered ? [ofParent] : [ofParent, inOrder]) {
    const sids = missing();
    if (!lead || sids.length === 0) continue;
    const values = new Values();
    const text = () => provedText(table, projection, range, lead, bound, values);
    keep(sids, await readProvedOf<Row>(sql, sids, range, projection, values, text));
  }
  const sids = missing();
  if (sids.length > 0) keep(sids, await readByTextOf<Row>(sql, table, parentField, sids, range, projection, bounds));
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
  if (isRare(found)) {
    const count = await countByText(sql, table, where, bounds);
    if (count !== undefined) return { count, isExact: true };
  }
  return countAlong(sql, table, first, within(bounds.count, first));
}

/** Counts the rows of each parent, as far as the bounds let it. What parents with few rows leave of the bound, the others share. */
export async function countBoundedOf(
  sql: Sql,
  table: Table<never>,
  parentField: string,
  parents: readonly string[],
  where: object,
  bounds: Bounds,
): Promise<Total[]> {
  const lead = leadsOf(table, where, plainOrder(table), parentField).find(({ isOfParent }) => isOfParent) as Lead;
  const bound = shareOf(bounds, parents.length);
  const first = await countsOf(sql, table, parents, lead, bound);
  const large = parents.filter((_, at) => (first[at] as Counted).walked > bound);
  const left = bounds.count - first.reduce((sum, { walked }) => sum + (walked > bound ? 0 : walked), 0);
  const larger = shareOf({ ...bounds, count: left }, large.length);
  const again =
    large.length === 0 || larger <= bound
      ? new Map<string, Counted>()
      : new Map((await countsOf(sql, table, large, lead, larger)).map((counted, at) => [large[at] as string, counted]));
  const totals = parents.map((sid, at) => totalOf(again.get(sid) ?? (first[at] as Counted), again.has(sid) ? larger : bound));
  if (!totals.some(isRare)) return totals;
  const counts = await countByTextOf(sql, table, parentField, parents, where, bounds);
  return counts ? counts.map((count) => ({ count, isExact: true })) : totals;
}

/** Counts the rows of each parent, up to one more than the bound. */
async function countsOf(sql: Sql, table: Table<never>, parents: readonly string[], lead: Lead, bound: number): Promise<Counted[]> {
  if (lead.rest.length === 0) return (await walkedOf(sql, parents, lead, bound)).map((walked) => ({ count: walked, walked }));
  const values = new Values();
  const sids = values.add(parents.join());
  return sql.query<Counted>(
    `SELECT counted.* FROM ${parentsText(sids)} CROSS JOIN LATERAL (${countText(table, lead, bound, values)}) AS counted ORDER BY parent.place`,
    values.given,
  );
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

/** Makes the statement that reads a page along a lead, of at most so many rows. */
function pageText(table: Table<never>, projection: Projection, range: Range, lead: Lead, bound: number, values: Values): string {
  const rows = alongText(table, projection, range, lead, bound, values);
  return projection.aggregate ? projection.aggregate(rows, '') : rows;
}

/**
 * Makes the same statement with a column `isComplete`. Page and proof are of one statement, so of the same moment. Only a page that is not full has the
 * walk counted, in the index.
 * @param few another lead: if it leads to no more rows than its bound, the page is made of these
 */
function provedText(
  table: Table<never>,
  projection: Projection,
  range: Range,
  lead: Lead,
  bound: number,
  values: Values,
  few?: { readonly lead: Lead; readonly bound: number },
): string {
  const seen = lead.isOrdered && lead.rest.length === 0 ? 'true' : `(${walkedText(lead, bound, values)}) <= ${bound}`;
  const take = lead.isOrdered ? values.add(range.take) : undefined;
  // PostgreSQL evaluates the parts of CASE only as far as they are needed.
  const proof = (areFew: string) => (count: string) =>
    `CASE WHEN ${take ? `${count} = ${take}` : 'false'} THEN true WHEN ${areFew} THEN true ELSE ${seen} END`;
  if (!few) return proving(projection, range, alongText(table, projection, range, lead, bound, values), proof('false'));
  const sids = walkText('sid', few.lead, few.bound + 1, values);
  const areFew = `(SELECT count(*) FROM few) <= ${few.bound}`;
  const rest = restText(few.lead.rest, values);
  const { name } = table;
  // OFFSET, so that no index is combined with the sids': it may have hits without end.
  const ofSids = `SELECT * FROM ${name} WHERE ${areFew} AND sid = ANY (ARRAY(SELECT sid FROM few)) OFFSET 0`;
  const ofFew = `SELECT ${projection.columns} FROM (${ofSids}) AS ${name} WHERE ${rest}
     ORDER BY ${orderTexts(range.orderBy).sql} ${limitText(range, values)}`;
  const along = alongText(table, projection, range, lead, bound, values, `NOT ${areFew} AND `);
  return `WITH few AS MATERIALIZED (${sids}) ${proving(projection, range, `(${ofFew}) UNION ALL (${along})`, proof(areFew))}`;
}

/** Makes the same statement for a lead that is counted first, and followed only if it leads to no more rows than the bound. */
function gatedText(table: Table<never>, projection: Projection, range: Range, lead: Lead, bound: number, values: Values): string {
  const isSeen = `(SELECT walked FROM counted) <= ${bound}`;
  const along = alongText(table, projection, range, lead, bound, values, `${isSeen} AND `);
  return `WITH counted AS MATERIALIZED (${walkedText(lead, bound, values)}) ${proving(projection, range, along, () => isSeen)}`;
}

/** Makes the statement of a page's rows along a lead. */
function alongText(
  { name }: Table<never>,
  { columns }: Projection,
  range: Range,
  lead: Lead,
  bound: number,
  values: Values,
  gate = '',
): string {
  if (lead.isOrdered && lead.rest.length === 0) return `SELECT ${columns} ${lead.walks(values, '')[0]} ${limitText(range, values)}`;
  const order = lead.isOrdered ? lead.order : orderTexts(range.orderBy).sql;
  const walk = walkText('*', lead, bound, values);
  return `SELECT ${columns} FROM (${walk}) AS ${name} WHERE ${gate}${restText(lead.rest, values)} ORDER BY ${order} ${limitText(range, values)}`;
}

/** Makes the statement that walks along a lead: without columns, to count the rows. */
function walkText(columns: string, lead: Lead, bound: number, values: Values): string {
  const walks = lead.walks(values, String(bound), columns === '').map((walk) => `SELECT ${columns} ${walk} LIMIT ${bound}`);
  return walks.length === 1 ? (walks[0] as string) : `${walks.map((walk) => `(${walk})`).join(' UNION ALL ')} LIMIT ${bound}`;
}
