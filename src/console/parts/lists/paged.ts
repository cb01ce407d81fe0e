import { usePlace } from '../../location.ts';
import type { Connection } from './list.tsx';

/** How many rows a page has. */
const PAGE_SIZE = 100;

/** The page that the address names of what the graph returns at once. Its cursors are numbers of rows. */
export function usePageOf<Node>(all: readonly Node[]): Connection<Node> {
  const { parameters } = usePlace();
  const [after, before] = [parameters.get('after'), parameters.get('before')].map(Number);
  const asked = before ? Math.max(0, before - PAGE_SIZE) : (after ?? 0);
  // An address may be anything.
  const start = Number.isInteger(asked) && asked > 0 && asked < all.length ? asked : 0;
  const end = start + PAGE_SIZE;
  return {
    nodes: all.slice(start, end),
    totalCount: all.length,
    pageInfo: { hasPreviousPage: start > 0, hasNextPage: end < all.length, startCursor: String(start), endCursor: String(end) },
  };
}
