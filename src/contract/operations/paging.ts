import { GRAPHQL_MAX_INT } from 'graphql';
import type { ContractRequest } from './operation.ts';
import { withoutAbsent } from './without-absent.ts';

/** A connection, as the contract's documents select it. */
export interface Connection<Row> {
  readonly totalCount: number;
  readonly nodes: readonly Row[];
}

/**
 * Returns the arguments of a connection for a page of the contract.
 * @param filter by the graph's names
 */
export function pageVariables({ query, page, pageSize }: ContractRequest, filter: Record<string, unknown>): Record<string, unknown> {
  return withoutAbsent({
    first: pageSize,
    // No list is as long as GraphQL's largest Int, so the page is empty either way, and has the right total.
    offset: Math.min(page * pageSize, GRAPHQL_MAX_INT),
    orderBy: query.sortBy,
    filter: withoutAbsent({ ...filter, createdFrom: query.startTime, createdTo: query.endTime }),
  });
}

/**
 * Makes the `data` of a page (REST.md, Answers). The formulas reproduce the vendor's four recorded pages: `end` is the last record's offset, unless more
 * records follow.
 * @param total the number of records in all pages
 * @param collection the base of the page URIs, e.g. `/msteams/teams/mappings`
 */
export function pageData(result: readonly object[], total: number, collection: string, request: ContractRequest) {
  const { page, pageSize } = request;
  const numPages = Math.ceil(total / pageSize);
  const start = page * pageSize;
  const filters = request.given.map(([name, text]) => `&${name}=${encode(text)}`).join('');
  const uri = (number: number) => `${collection}/search/?pageSize=${pageSize}&page=${number}${filters}`;
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

/** Percent-encodes a query value, except `:` and `@`, which a query may contain (RFC 3986, 3.4). */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%40', '@');
}
