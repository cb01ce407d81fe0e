import type { Logger } from 'pino';
import { createContext } from '../schema/context.ts';
import { schema } from '../schema/index.ts';
import { createContract } from './contract/handler.ts';
import type { Settings as ContractSettings } from './contract/settings.ts';
import type { Caller } from './domain/caller.ts';
import type { Gateway } from './domain/gateway.ts';
import { createAuthentication, type Peer } from './http/authentication.ts';
import { createGraph } from './http/graph.ts';
import { health } from './http/health.ts';

export interface AppOptions {
  readonly gateway: Gateway;
  readonly contract: ContractSettings;
  readonly log: Logger;
  /** Does the database answer, are its migrations in, and is the process not draining? */
  readonly isReady: () => boolean | Promise<boolean>;
}

export interface App {
  /** Answers one request; never throws. `peer` is what the socket tells of the caller. */
  readonly fetch: (request: Request, peer?: Peer) => Promise<Response>;
}

/** The whole gateway as one handler: the graph at /graphql, the contract at /msteams and /mxteams, health at /health. */
export function createApp({ gateway, contract, log, isReady }: AppOptions): App {
  const authenticate = createAuthentication(gateway);
  const contextFor = (caller: Caller) => createContext(gateway, caller);
  const graph = createGraph({ schema, contextFor, authenticate, log });
  const rest = createContract({ ...contract, schema, contextFor, authenticate, log });

  return {
    fetch: async (request, peer = {}) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/graphql') return graph(request, peer);
      if (/^\/(msteams|mxteams)(\/|$)/.test(pathname)) return rest(request, peer);
      if (pathname.startsWith('/health/')) return health(request, isReady);
      if (pathname === '/') return new Response(null, { status: 302, headers: { location: '/graphql' } });
      return Response.json({ error: 'Not found' }, { status: 404 });
    },
  };
}
