import type { Sql } from '../sql.ts';
import { TooWideError } from './bounds.ts';
import { columnOf } from './conditions.ts';
import { type CountedList, type TotalRow, totalOf } from './kept-counts.ts';
import { orderTexts } from './orders.ts';
import { readRange, readRangeOf } from './select.ts';
import type { Projection, Range, Table } from './table.ts';

/** A column that is read as text. */
export interface PackedField {
  readonly field: string;
  /** Whether it may be null. Null is then the empty text, and any other value is preceded by `=`. */
  readonly nullable: boolean;
  /** Whether it is an array. It is then JSON, and a null one is `[]`. */
  readonly list: boolean;
}

/** The values to read of each row, at least one. */
export interface Packing {
  readonly fields: readonly PackedField[];
  /** Whether the values of the order are also read; the last of them is the sid. */
  readonly ordered: boolean;
  /** Whether the total is also read, if the list maintains it. */
  readonly counted?: boolean;
}

/** A row's values as PostgreSQL writes them: the fields of the packing, then those of the order if it asks for them. */
export type PackedRow = readonly string[];

/** The result of a packed read. */
export interface PackedRows {
  readonly rows: PackedRow[];
  /** How many rows the list has, at the same moment. Present only if the packing requests it and the list maintains it. */
  readonly total: number | undefined;
}

/** A value contains a separator, so the rows cannot be packed and must be read without packing. */
export class UnpackableError extends Error {
  override readonly name = 'UnpackableError';
}

/** ASCII's record and unit separators. */
const ROW_SEPARATOR = '\x1e';
const VALUE_SEPARATOR = '\x1f';

/**
 * Reads the rows of a range packed into one text: one value on the wire instead of a dozen per row, which is most of the cost of reading a page.
 * @param list given if the range is of all rows of one owner, whose number is maintained
 * @throws UnpackableError; TypeError as `condition`
 */
export async function selectPacked(sql: Sql, table: Table<never>, range: Range, packing: Packing, list?: CountedList): Promise<PackedRows> {
  const [pack] = await readRange<Pack>(sql, table, range, projectionOf(packing, range), list);
  return unpack(pack, packing, range);
}

/**
 * Reads the same range within each of these parents, in one statement. Lists within parents have no total.
 * @throws UnpackableError; TypeError as `condition`
 */
export async function selectPackedOf(
  sql: Sql,
  table: Table<never>,
  parentField: string,
  parents: readonly string[],
  range: Range,
  packing: Packing,
): Promise<(PackedRows | TooWideError)[]> {
  const packs = await readRangeOf<Pack>(sql, table, parentField, parents, range, projectionOf(packing, range));
  return packs.map((pack) => (pack instanceof TooWideError ? pack : unpack(pack[0], packing, range)));
}

/** The one row of a packed read. `total` is absent if it was not read. */
interface Pack extends Partial<TotalRow> {
  readonly count: number;
  readonly packed: string | null;
}

/** Packs rows in their order, which string_agg keeps. */
const aggregate = (rows: string, furtherColumns: string) =>
  `SELECT count(*)::int AS count, string_agg(packed.row, E'\\x1e') AS packed${furtherColumns} FROM (${rows}) AS packed`;

const projections = new WeakMap<Packing, Map<string, Projection>>();

/** Makes the projection that reads a packing, once for each order. */
function projectionOf(packing: Packing, range: Range): Projection {
  const byOrder = projections.get(packing) ?? new Map<string, Projection>();
  projections.set(packing, byOrder);
  const order = packing.ordered ? orderTexts(range.orderBy).fields.map(columnOf) : [];
  const key = order.join();
  let projection = byOrder.get(key);
  if (!projection) {
    projection = {
      columns: `concat_ws(E'\\x1f', ${[...packing.fields.map(asText), ...order].join(', ')}) AS row`,
      aggregate,
      counted: packing.counted,
    };
    byOrder.set(key, projection);
  }
  return projection;
}

function asText({ field, nullable, list }: PackedField): string {
  const column = columnOf(field);
  if (list) return `coalesce(to_json(${column})::text, '[]')`;
  // Without coalesce, concat_ws would leave a null value out.
  return nullable ? `coalesce('=' || ${column}, '')` : column;
}

/** Splits a pack. A value that contains a separator gives too many rows, or a row of too many values, whatever else it contains. */
function unpack(pack: Pack | undefined, { fields, ordered }: Packing, range: Range): PackedRows {
  const total = pack?.total === undefined ? undefined : totalOf(pack as TotalRow);
  if (!pack?.count) return { rows: [], total };
  const rows = (pack.packed ?? '').split(ROW_SEPARATOR);
  const length = fields.length + (ordered ? orderTexts(range.orderBy).fields.length : 0);
  if (rows.length !== pack.count) throw new UnpackableError();
  const unpacked = rows.map((row) => {
    const values = row.split(VALUE_SEPARATOR);
    if (values.length !== length) throw new UnpackableError();
    return values;
  });
  return { rows: unpacked, total };
}
