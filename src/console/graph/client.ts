import { Client, cacheExchange, fetchExchange, mapExchange } from '@urql/core';
import { currentSession, expire } from '../session/session.ts';
import { GRAPH } from './ask.ts';

/** A client of the graph, with an empty cache, for the session that is current at each request. */
export function createClient(): Client {
  return new Client({
    url: GRAPH,
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetchOptions: () => ({ credentials: 'omit', headers: { authorization: `Bearer ${currentSession()?.token ?? ''}` } }),
    exchanges: [
      cacheExchange,
      mapExchange({
        onError: ({ graphQLErrors, response }) => {
          const isRefused = (response as Response | undefined)?.status === 401;
          if (isRefused || graphQLErrors.some(({ extensions }) => extensions.code === 'UNAUTHENTICATED')) expire();
        },
      }),
      fetchExchange,
    ],
  });
}
