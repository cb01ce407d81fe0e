import type { Sql } from '../sql.ts';
import { type AllOf, readTotal } from './kept-counts.ts';
import { type PackedRow, type Packing, selectPacked, selectPackedCounted, selectPackedOf } from './packed.ts';
import { countRows, countRowsOf, type Range, selectRows, selectRowsOf, type Table } from './select.ts';

/** How a list's rows are read, packed where the list can do that, and counted. */
export interface Reads<Row extends object> {
  find(range: Range, fields?: readonly string[]): Promise<Row[]>;
  pack?(range: Range, packing: Packing): Promise<PackedRow[]>;
  /** Packed and counted at once, where the count is kept. */
  packCounted?(range: Range, packing: Packing): Promise<{ rows: PackedRow[]; total: number }>;
  count(where: object): Promise<number>;
}

/** The same within each of many parents, in their order. */
export interface NestedReads<Row extends object> {
  find(range: Range, fields?: readonly string[]): Promise<Row[][]>;
  pack(range: Range, packing: Packing): Promise<PackedRow[][]>;
  count(where: object): Promise<number[]>;
}

/** Reads a table. */
export const readsOf = <Row extends object>(sql: Sql, table: Table<Row>): Reads<Row> => ({
  find: (range, fields) => selectRows(sql, table, range, fields),
  pack: (range, packing) => selectPacked(sql, table, range, packing),
  count: (where) => countRows(sql, table, where),
});

/** Reads all that an owner has in a table, where the number of those rows is kept. */
export const readsOfAll = <Row extends object>(sql: Sql, table: Table<Row>, all: AllOf): Reads<Row> => ({
  find: (range, fields) => selectRows(sql, table, range, fields, all),
  pack: (range, packing) => selectPacked(sql, table, range, packing, all),
  packCounted: (range, packing) => selectPackedCounted(sql, table, range, packing, all),
  count: () => readTotal(sql, all),
});

/** Reads what each of these parents has in a table. @param field names the parent */
export const nestedReadsOf = <Row extends object>(
  sql: Sql,
  table: Table<Row>,
  field: keyof Row & string,
  parents: readonly string[],
): NestedReads<Row> => ({
  find: (range, fields) => selectRowsOf(sql, table, field, parents, range, fields),
  pack: (range, packing) => selectPackedOf(sql, table, field, parents, range, packing),
  count: (where) => countRowsOf(sql, table, field, parents, where),
});
