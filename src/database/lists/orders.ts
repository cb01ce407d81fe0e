import { columnOf } from './conditions.ts';

/** Prisma's `orderBy`. */
export type OrderBy = Record<string, 'asc' | 'desc'>[];

/** An order in the forms that statements need. */
interface OrderTexts {
  readonly fields: readonly string[];
  /** By the table's columns. */
  readonly sql: string;
  /** By columns as `found."…"`, with Prisma's names: for a statement around the one that sorts. */
  readonly outer: string;
}

const textsByOrder = new WeakMap<OrderBy, OrderTexts>();

/** Returns the texts of an order, made once per order object. */
export function orderTexts(orderBy: OrderBy): OrderTexts {
  let texts = textsByOrder.get(orderBy);
  if (!texts) {
    const parts = orderBy.flatMap((part) => Object.entries(part));
    const sortBy = (columnName: (field: string) => string) =>
      parts.map(([field, direction]) => `${columnName(field)} ${direction === 'desc' ? 'DESC' : 'ASC'}`).join(', ');
    texts = { fields: parts.map(([field]) => field), sql: sortBy(columnOf), outer: sortBy((field) => `found."${field}"`) };
    textsByOrder.set(orderBy, texts);
  }
  return texts;
}
