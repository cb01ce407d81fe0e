import type { Sql } from '../sql.ts';
import { quoted } from './conditions.ts';
import { type AllOf, type Counted, totalOf } from './kept-counts.ts';
import { orderTexts } from './orders.ts';
import { type Range, type Reading, readRange, readRangeOf, type Table } from './select.ts';

/** A column that is read as text. */
export interface PackedField {
  readonly field: string;
  /** Is null possible? It is the empty text then, and every other value has a `=` in front. */
  readonly nullable: boolean;
  /** Is it a list? It is JSON then; that of null is empty. */
  readonly list: boolean;
}

/** What is read of each row: at least one value. */
export interface Packing {
  readonly fields: readonly PackedField[];
  /** Are the values of the order read as well, of which the sid is the last? */
  readonly ordered: boolean;
  /** Is it asked how many rows there are in all? */
  readonly counted?: boolean;
}

/** The values of a row as PostgreSQL writes them: the fields asked for, then those of the order where they are wanted. */
export type PackedRow = readonly string[];

/** Some value holds what separates values. The rows must be read in another way. */
export class UnpackableError extends Error {
  override readonly name = 'UnpackableError';
}

/** ASCII's own: of rows, and of values. */
const ROWS = '\x1e';
const VALUES = '\x1f';

/**
 * The rows of a range, packed into one text: one value on the wire instead of a dozen a row, which is most of what a page costs to read.
 * @throws UnpackableError; TypeError as `condition`
 */
export async function selectPacked(sql: Sql, table: Table<never>, range: Range, packing: Packing, all?: AllOf): Promise<PackedRow[]> {
  const [pack] = await readRange<Pack>(sql, table, range, readingOf(packing, range), all);
  return unpacked(pack, packing, range);
}

/** The same, and the owner's number of rows, of the same moment. @throws as `selectPacked` */
export async function selectPackedCounted(
  sql: Sql,
  table: Table<never>,
  range: Range,
  packing: Packing,
  all: AllOf,
): Promise<{ rows: PackedRow[]; total: number }> {
  const [pack] = await readRange<Pack & Counted>(sql, table, range, readingOf(packing, range), all);
  return { rows: unpacked(pack, packing, range), total: totalOf(pack) };
}

/** The same of the rows of each parent. @throws as `selectPacked` */
export async function selectPackedOf(
  sql: Sql,
  table: Table<never>,
  parentField: string,
  parents: readonly string[],
  range: Range,
  packing: Packing,
): Promise<PackedRow[][]> {
  const packs = await readRangeOf<Pack>(sql, table, parentField, parents, range, readingOf(packing, range));
  return packs.map(([pack]) => unpacked(pack, packing, range));
}

interface Pack {
  readonly count: number;
  readonly packed: string | null;
}

/** The rows come in their order, and string_agg keeps it. */
const whole = (rows: string, beside: string) =>
  `SELECT count(*)::int AS count, string_agg(packed.row, E'\\x1e') AS packed${beside} FROM (${rows}) AS packed`;

const readings = new WeakMap<Packing, Map<string, Reading>>();

function readingOf(packing: Packing, range: Range): Reading {
  const byOrder = readings.get(packing) ?? new Map<string, Reading>();
  readings.set(packing, byOrder);
  const order = packing.ordered ? orderTexts(range.orderBy).fields.map(quoted) : [];
  const key = order.join();
  let reading = byOrder.get(key);
  if (!reading) {
    reading = {
      columns: `concat_ws(E'\\x1f', ${[...packing.fields.map(asText), ...order].join(', ')}) AS row`,
      whole,
      counted: packing.counted,
    };
    byOrder.set(key, reading);
  }
  return reading;
}

function asText({ field, nullable, list }: PackedField): string {
  const column = quoted(field);
  if (list) return `coalesce(to_json(${column})::text, '[]')`;
  // concat_ws leaves out what is null.
  return nullable ? `coalesce('=' || ${column}, '')` : column;
}

/** A value that holds a separator makes more rows than there are, or more values of one: that shows, whatever it holds beside. */
function unpacked(pack: Pack | undefined, { fields, ordered }: Packing, range: Range): PackedRow[] {
  if (!pack?.count) return [];
  const rows = (pack.packed ?? '').split(ROWS);
  const length = fields.length + (ordered ? orderTexts(range.orderBy).fields.length : 0);
  if (rows.length !== pack.count) throw new UnpackableError();
  return rows.map((row) => {
    const values = row.split(VALUES);
    if (values.length !== length) throw new UnpackableError();
    return values;
  });
}
