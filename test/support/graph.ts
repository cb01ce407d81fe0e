import type { GraphQLFormattedError } from 'graphql';
import { authorizationOf, type Credentials } from './credentials.ts';

export interface GraphAnswer<Data> {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Data;
  readonly errors?: readonly GraphQLFormattedError[];
}

/** Runs one operation over HTTP. `data` is what it selects, `null` where it failed as a whole. */
// biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
export type GraphClient = <Data = any>(query: string, variables?: Record<string, unknown>) => Promise<GraphAnswer<Data>>;

/** A client of the graph over a gateway's `fetch`; anonymous without credentials. */
export function graphClient(fetch: (request: Request) => Promise<Response>, credentials?: Credentials): GraphClient {
  const authorization = credentials && authorizationOf(credentials);
  return async (query, variables) => {
    const response = await fetch(
      new Request('http://gateway.test/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) },
        body: JSON.stringify({ query, variables }),
      }),
    );
    return { status: response.status, headers: response.headers, ...(await response.json()) };
  };
}
