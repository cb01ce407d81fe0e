import { quoted } from './conditions.ts';

/** Prisma's `orderBy`. */
export type OrderBy = Record<string, 'asc' | 'desc'>[];

/** An order, in the forms in which it is wanted. */
interface OrderTexts {
  readonly fields: readonly string[];
  readonly sql: string;
  /** Of columns as `found."…"`. */
  readonly found: string;
}

const known = new WeakMap<OrderBy, OrderTexts>();

export function orderTexts(orderBy: OrderBy): OrderTexts {
  let texts = known.get(orderBy);
  if (!texts) {
    const parts = orderBy.flatMap((part) => Object.entries(part));
    const by = (name: (field: string) => string) =>
      parts.map(([field, way]) => `${name(field)} ${way === 'desc' ? 'DESC' : 'ASC'}`).join(', ');
    texts = { fields: parts.map(([field]) => field), sql: by(quoted), found: by((field) => `found."${field}"`) };
    known.set(orderBy, texts);
  }
  return texts;
}
