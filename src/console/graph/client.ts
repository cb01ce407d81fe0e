import { Client, cacheExchange, fetchExchange, makeOperation, mapExchange } from '@urql/core';
import { currentSession, expire } from '../session/session.ts';
import { GRAPH } from './ask.ts';
import { takeEarly } from './early.ts';

/** A client of the graph, with an empty cache, for the session that is current at each request. */
export function createClient(): Client {
  return new Client({
    url: GRAPH,
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetch: (url, options) => takeEarly(options?.body, currentSession()?.token ?? '') ?? fetch(url, options),
    exchanges: [
      cacheExchange,
      mapExchange({
        onOperation: (operation) => {
          const { token = '' } = currentSession() ?? {};
          const fetchOptions: RequestInit = { credentials: 'omit', headers: { authorization: `Bearer ${token}` } };
          return makeOperation(operation.kind, operation, { ...operation.context, token, fetchOptions });
        },
        onError: ({ graphQLErrors, response }, { context: { token } }) => {
          const isRefused = (response as Response | undefined)?.status === 401;
          if (isRefused || graphQLErrors.some(({ extensions }) => extensions.code === 'UNAUTHENTICATED')) expire(token);
        },
      }),
      fetchExchange,
    ],
  });
}
