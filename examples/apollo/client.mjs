// Apollo Client 4 for the gateway: queries and mutations over HTTP, subscriptions over WebSocket. For browsers as well as Node.

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import { parts } from './parts.mjs';
import { possibleTypes } from './possible-types.mjs';

/** `fetchMore` appends its page to the list. A different filter or order is a different list. */
const list = relayStylePagination(['filter', 'orderBy']);

/** A status never moves back. So if a query's result and an event cross, the later status in this list is the newer one. */
const STATUSES = ['QUEUED', 'RECEIVED', 'SENDING', 'SENT', 'DELIVERED', 'READ', 'UNDELIVERED', 'FAILED'];
const later = (one, other) => (STATUSES.indexOf(other) > STATUSES.indexOf(one) ? other : one);

/**
 * @param {{ url: string, authorization: string | (() => string | Promise<string>) }} options the gateway's address, and the header `Authorization`: in a
 * browser `Bearer` and an access token. A function is called for each request and connection, so that it can renew the token.
 */
export function createGatewayClient({ url, authorization }) {
  const current = async () => (typeof authorization === 'function' ? authorization() : authorization);
  const socket = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    connectionParams: async () => ({ Authorization: await current() }),
    // graphql-ws would subscribe again from the first cursor. message-events.mjs does so from the last one.
    retryAttempts: 0,
  });
  const withHeader = new SetContextLink(async ({ headers }) => ({ headers: { ...headers, authorization: await current() } }));
  return new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      new GraphQLWsLink(socket),
      withHeader.concat(new HttpLink({ uri: `${url}/graphql` })),
    ),
    cache: new InMemoryCache({
      // Needed for `... on Error` to match ConflictError, InvalidInputError and the others.
      possibleTypes,
      typePolicies: {
        // Needed for queries that select these without their `id`.
        ...parts,
        Query: { fields: { enterprises: list, mappings: list, bots: list, messages: list } },
        Enterprise: { fields: { mappings: list, messages: list } },
        Mapping: { fields: { messages: list } },
        Message: { fields: { channelStatus: { merge: (existing = 'QUEUED', incoming) => later(existing, incoming) } } },
      },
    }),
  });
}
