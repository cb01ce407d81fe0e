import type { ContractRequest } from './operation.ts';
import { largestInt } from './parameters.ts';
import { present } from './present.ts';

/** A connection as the contract's documents select it. */
export interface Connection<Row> {
  readonly totalCount: number;
  readonly nodes: readonly Row[];
}

/** The arguments of the graph's connections for a page of the contract; `filter` in the graph's own names. */
export function pageVariables({ query, page, pageSize }: ContractRequest, filter: Record<string, unknown>): Record<string, unknown> {
  return present({
    first: pageSize,
    // Beyond GraphQL's Int every list is empty anyway, and says so with its total.
    offset: Math.min(page * pageSize, largestInt),
    orderBy: query.sortBy,
    filter: present({ ...filter, createdFrom: query.startTime, createdTo: query.endTime }),
  });
}

/**
 * A page of a list, with REST.md's formulas: they reproduce the four recorded pages, whose `end` is the last record's offset
 * except where more records follow.
 *
 * @param collection the base of the page URIs, e.g. `/msteams/teams/mappings`
 */
export function pageAnswer(result: readonly object[], total: number, collection: string, request: ContractRequest) {
  const { page, pageSize } = request;
  const numPages = Math.ceil(total / pageSize);
  const start = page * pageSize;
  const own = request.given.map(([name, text]) => `&${name}=${encode(text)}`).join('');
  const uri = (number: number) => `${collection}/search/?pageSize=${pageSize}&page=${number}${own}`;
  const previous = page > 0 ? uri(page - 1) : undefined;
  const next = page + 1 < numPages ? uri(page + 1) : undefined;
  return {
    result,
    pageSize,
    total,
    page,
    numPages,
    start,
    end: Math.max(0, Math.min(start + pageSize, total - 1)),
    firstPageUri: uri(0),
    previousPageUri: previous,
    previous_page_uri: previous,
    nextPageUri: next,
    next_page_uri: next,
    uri: uri(page),
  };
}

/** Percent-encodes a query value, but leaves `:` and `@`, which a query may hold, readable. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%40', '@');
}
