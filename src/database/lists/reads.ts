import type { Sql } from '../sql.ts';
import type { TooWideError, Total } from './bounds.ts';
import { type CountedList, readTotal } from './kept-counts.ts';
import { type PackedRows, type Packing, selectPacked, selectPackedOf } from './packed.ts';
import { countWithin, countWithinOf, selectRows, selectRowsOf } from './select.ts';
import type { Range, Table } from './table.ts';

/** The reads of a list: its rows, the same rows packed if the list supports that, and their number. */
export interface Reads<Row extends object> {
  find(range: Range, fields?: readonly string[]): Promise<Row[]>;
  pack?(range: Range, packing: Packing): Promise<PackedRows>;
  count(where: object): Promise<Total>;
}

/** The reads of one list within each of many parents. Each result is in the order of the parents, and has an error in place of a page that is too wide. */
export interface NestedReads<Row extends object> {
  find(range: Range, fields?: readonly string[]): Promise<(Row[] | TooWideError)[]>;
  pack(range: Range, packing: Packing): Promise<(PackedRows | TooWideError)[]>;
  count(where: object): Promise<Total[]>;
}

/** Where lists are read: a standby, if there is one. */
export const listsOf = (sql: Sql): Sql => sql.lists ?? sql;

/** Makes the reads of a table. */
export function readsOf<Row extends object>(primary: Sql, table: Table<Row>): Reads<Row> {
  const sql = listsOf(primary);
  return {
    find: (range, fields) => selectRows(sql, table, range, fields),
    pack: (range, packing) => selectPacked(sql, table, range, packing),
    count: (where) => countWithin(sql, table, where),
  };
}

/** Makes the reads of all rows of one owner in a table whose number of rows is maintained. */
export function readsOfAll<Row extends object>(primary: Sql, table: Table<Row>, list: CountedList): Reads<Row> {
  const sql = listsOf(primary);
  return {
    find: (range, fields) => selectRows(sql, table, range, fields, list),
    pack: (range, packing) => selectPacked(sql, table, range, packing, list),
    count: async () => ({ count: await readTotal(sql, list), isExact: true }),
  };
}

/**
 * Makes the reads of the rows of each of these parents in a table.
 * @param parentField the field that holds the parent's sid
 */
export function nestedReadsOf<Row extends object>(
  primary: Sql,
  table: Table<Row>,
  parentField: keyof Row & string,
  parents: readonly string[],
): NestedReads<Row> {
  const sql = listsOf(primary);
  return {
    find: (range, fields) => selectRowsOf(sql, table, parentField, parents, range, fields),
    pack: (range, packing) => selectPackedOf(sql, table, parentField, parents, range, packing),
    count: (where) => countWithinOf(sql, table, parentField, parents, where),
  };
}
