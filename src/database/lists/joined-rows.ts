import { columnOf } from './conditions.ts';

// Rows that a hand-written statement reads of several tables at once, each as Prisma would return it.

/** A row with columns named `alias.field`. */
// biome-ignore lint/suspicious/noExplicitAny: of any column
export type JoinedRow = Record<string, any>;

/**
 * Makes the part of a SELECT list for one table.
 * @param fields by Prisma's names
 */
export const joinedColumns = (alias: string, fields: readonly string[]): string =>
  fields.map((field) => `${alias}.${columnOf(field)} AS "${alias}.${field}"`).join(', ');

/** Takes one table's fields from a row. */
export function partOf<Fields>(row: JoinedRow, alias: string, fields: readonly string[]): Fields {
  const part: JoinedRow = {};
  for (const field of fields) part[field] = row[`${alias}.${field}`];
  return part as Fields;
}

/**
 * Takes the fields of a table that was joined by LEFT JOIN.
 * @param key a field that is never NULL
 * @returns `null` if there was no such row
 */
export const partOrNull = <Fields>(row: JoinedRow, alias: string, fields: readonly string[], key: string): Fields | null =>
  row[`${alias}.${key}`] === null ? null : partOf<Fields>(row, alias, fields);
