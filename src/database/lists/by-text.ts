import { TookTooLongError } from '../interest.ts';
import type { Bounds, Sql } from '../sql.ts';
import { SCATTERED, type Total } from './bounds.ts';
import { condition, Values } from './conditions.ts';
import { divided, leadsOf, restText } from './leads.ts';
import { orderTexts } from './orders.ts';
import { limitText, parentsText, proving, readProved, readProvedOf } from './proofs.ts';
import type { Projection, Range, Table } from './table.ts';
import { hasTrigrams, type Part } from './where-parts.ts';

// What a text is found by that is too rare for a walk: an index of texts, if the operator has built it (docs/adr/0036). PostgreSQL reads all of a text's
// hits in such an index before it gives the first one, so it is only asked for what is rare among the newest rows, and no longer than `queryBriefly` lets it.

/** Reads a page by the table's index of texts; `undefined` if there is no such index, or it has too many hits. */
export async function readByText<Row extends object>(
  sql: Sql,
  table: Table<never>,
  range: Range,
  projection: Projection,
  bounds: Bounds,
): Promise<Row[] | undefined> {
  const values = new Values();
  const hits = hitsOf(table, range.where, bounds, values);
  if (!hits) return undefined;
  const text = `${hits.beginning} ${pageText(table, range, projection, hits, values)}`;
  return briefly(readProved<Row>(sql, text, values, 'queryBriefly'));
}

/** Reads the same page within each of these parents; `undefined` as above. */
export async function readByTextOf<Row extends object>(
  sql: Sql,
  table: Table<never>,
  parentField: string,
  parents: readonly string[],
  range: Range,
  projection: Projection,
  bounds: Bounds,
): Promise<(Row[] | undefined)[]> {
  const values = new Values();
  const hits = hitsOf(table, range.where, bounds, values, parentField);
  if (!hits) return [];
  const text = () => pageText(table, range, projection, hits, values);
  const pages = readProvedOf<Row>(sql, parents, range, projection, values, text, hits);
  return (await briefly(pages)) ?? [];
}

/** Counts the rows that match; `undefined` as above. */
export async function countByText(sql: Sql, table: Table<never>, where: object, bounds: Bounds): Promise<number | undefined> {
  const values = new Values();
  const hits = hitsOf(table, where, bounds, values);
  if (!hits) return undefined;
  const text = `${hits.beginning} ${countText(table, hits, values)}`;
  const [counted] = (await briefly(sql.queryBriefly<CountedHits>(text, values.given))) ?? [];
  return counted?.isComplete ? counted.count : undefined;
}

/** Counts the rows of each parent, in the order of the parents; `undefined` as above. */
export async function countByTextOf(
  sql: Sql,
  table: Table<never>,
  parentField: string,
  parents: readonly string[],
  where: object,
  bounds: Bounds,
): Promise<number[] | undefined> {
  const values = new Values();
  const hits = hitsOf(table, where, bounds, values, parentField);
  if (!hits) return undefined;
  const text = `${hits.beginning} SELECT counted.* FROM ${parentsText(values.add(parents.join()))}
    CROSS JOIN LATERAL (${countText(table, hits, values)}) AS counted ORDER BY parent.place`;
  const counted = await briefly(sql.queryBriefly<CountedHits>(text, values.given));
  return counted?.[0]?.isComplete ? counted.map(({ count }) => count) : undefined;
}

/** The most hits among the newest messages, or in an incomplete count, of a text that is rare. */
const RARE = 100;

/** Whether the index may have few enough hits: an incomplete count found as few. */
export const isRare = ({ count, isExact }: Total): boolean => !isExact && count <= RARE;

interface CountedHits {
  readonly count: number;
  readonly isComplete: boolean;
}

/** A text's hits in an index, as a table `few`. */
interface Hits {
  /** The WITH clause. */
  readonly beginning: string;
  /** Whether all hits are in `few`, as SQL. */
  readonly areAll: string;
  /** The conditions to check on each hit. */
  readonly rest: readonly Part[];
}

/** Returns what an index has of a list's text; `undefined` if there is no text, or none that an index of trigrams finds. */
function hitsOf(table: Table<never>, where: object, bounds: Bounds, values: Values, parent?: string): Hits | undefined {
  const { name, textIndex } = table;
  if (!textIndex) return undefined;
  const { owners, others } = divided(table, where, parent);
  const part = others.find((each) => hasTrigrams(each, [textIndex.field]));
  if (!part) return undefined;
  const bound = Math.ceil(bounds.page / SCATTERED);
  const hit = condition(part, values);
  const [newest] = leadsOf(table, { AND: owners }, [{ [table.time as string]: 'desc' }, { sid: 'desc' }]);
  const among = `(SELECT * ${newest?.walks(values, '')[0]} LIMIT ${bound}) AS ${name}`;
  // Without the index no row is read, and no statement but this one need ask for it.
  const gate = `SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('${textIndex.name}') AND indisvalid)
    AND (SELECT count(*) FROM ${among} WHERE ${hit}) <= ${RARE} AS is_open`;
  // PostgreSQL plans the hits as if all of them were read, so along the index, and reads only as many rows as are needed.
  const hits = `SELECT * FROM ${name} WHERE (SELECT is_open FROM gate) AND ${condition({ AND: owners }, values)} AND ${hit}`;
  return {
    beginning: `WITH gate AS MATERIALIZED (${gate}), hits AS MATERIALIZED (${hits}),
      few AS MATERIALIZED (SELECT * FROM hits LIMIT ${bound + 1})`,
    areAll: `((SELECT is_open FROM gate) AND (SELECT count(*) FROM few) <= ${bound})`,
    rest: others.filter((each) => each !== part),
  };
}

function pageText({ name }: Table<never>, range: Range, projection: Projection, { areAll, rest }: Hits, values: Values): string {
  const page = `SELECT ${projection.columns} FROM few AS ${name} WHERE ${areAll} AND ${restText(rest, values)}
    ORDER BY ${orderTexts(range.orderBy).sql} ${limitText(range, values)}`;
  return proving(projection, range, page, () => areAll);
}

const countText = ({ name }: Table<never>, { areAll, rest }: Hits, values: Values) =>
  `SELECT count(*)::int AS count, ${areAll} AS "isComplete" FROM few AS ${name} WHERE ${restText(rest, values)}`;

/** Returns `undefined` if the statement takes too long. */
const briefly = <Result>(result: Promise<Result>): Promise<Result | undefined> =>
  result.catch((error: unknown) => {
    if (error instanceof TookTooLongError) return undefined;
    throw error;
  });
