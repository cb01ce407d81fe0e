import type { Indexed } from './leads.ts';
import type { OrderBy } from './orders.ts';

/** A table and the columns to read, by Prisma's names: only Prisma's schema describes them. */
export interface Table<Row extends object> extends Indexed {
  readonly fields: readonly (keyof Row & string)[];
  /** The first field of the indexes of the table's orders. A page whose only conditions are on it and on the order is read together with others. */
  readonly owner?: keyof Row & string;
  /** The parents whose rows are few enough to be sorted for any order of the list. */
  readonly smallParents?: readonly string[];
  /** The time that its indexes end in, without the sid that sorts rows of one time. */
  readonly time?: string;
}

/** The rows to read, in the terms of Prisma's findMany. */
export interface Range {
  readonly where: object;
  readonly orderBy: OrderBy;
  readonly take: number;
  readonly skip: number;
}

/** The values that a statement returns of a range's rows. */
export interface Projection {
  /** The SELECT list of a row. Includes the columns of the order, unless `aggregate` is given. */
  readonly columns: string;
  /**
   * Aggregates all rows into one.
   * @param rows a statement that returns the rows in their order
   * @param furtherColumns a further part of the SELECT list, beginning with a comma, or ''
   */
  readonly aggregate?: (rows: string, furtherColumns: string) => string;
  /** Whether the aggregated row also has the list's `total`, if it is maintained. */
  readonly counted?: boolean;
}
