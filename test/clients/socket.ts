import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ClientsGateway } from './gateway.ts';

/** graphql-ws with the options of the README: by default, it gives up when it finds nobody at the address for a moment. */
export function connectSocket(gateway: ClientsGateway): Client {
  return createClient({
    url: `${gateway.url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: async () => ({ Authorization: gateway.authorization }),
    shouldRetry: () => true,
    retryAttempts: Number.POSITIVE_INFINITY,
  });
}
