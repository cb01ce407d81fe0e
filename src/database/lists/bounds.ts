import type { Bounds } from '../sql.ts';

/** For rows that lie together in their table; see docs/adr/0021. */
export const BOUNDS: Bounds = { page: 20_000, count: 100_000 };

/** The page is not full yet after as many rows as a statement may read. */
export class TooWideError extends Error {
  override readonly name = 'TooWideError';
}

/** How many rows match; a lower bound if more rows would have to be read. */
export interface Total {
  readonly count: number;
  readonly isExact: boolean;
}

/** How many times fewer rows are read where they lie scattered over their table, which costs as much. */
export const SCATTERED = 4;

/** How many rows a statement may read for each of several parents, which share the bound of totals. */
export const shareOf = ({ count }: Bounds, parents: number, most = count): number =>
  Math.min(most, Math.max(1, Math.floor(count / parents)));
