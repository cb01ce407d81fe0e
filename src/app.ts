import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { createContext } from '../schema/context.ts';
import { schema } from '../schema/index.ts';
import { createContract } from './contract/handler.ts';
import type { Settings as ContractSettings } from './contract/settings.ts';
import type { Caller } from './domain/caller.ts';
import type { Gateway } from './domain/gateway.ts';
import { BOT_ENDPOINT, botEndpoint } from './exchange/bot-endpoint.ts';
import { RESTCOMM_WEBHOOKS, restcommWebhook } from './exchange/restcomm-webhooks.ts';
import { STAND_IN, standIn } from './exchange/stand-in.ts';
import { createAuthentication, isRefusal, type Peer } from './http/authentication.ts';
import { createGraph } from './http/graph.ts';
import { health } from './http/health.ts';
import { attachWebSockets, type WebSockets } from './http/websocket.ts';
import { createCredentialWatch } from './live/credential-watch.ts';
import type { Live } from './live/live.ts';
import type { BotFrameworkVerifier } from './platforms/bot-framework-tokens.ts';

export interface AppOptions {
  readonly gateway: Gateway;
  readonly live: Live;
  readonly contract: ContractSettings;
  readonly log: Logger;
  /** Proves the Bot Framework's requests; absent where Teams is the embedded stand-in, which sends none. */
  readonly botFramework?: BotFrameworkVerifier;
  /** Which platforms are the embedded stand-ins, and may be played. */
  readonly embedded?: { readonly carrier: boolean; readonly teams: boolean };
  /** Does the database answer, are its migrations in, and is the process not draining? */
  readonly isReady: () => boolean | Promise<boolean>;
}

export interface App {
  /** Answers one request; never throws. `peer` is what the socket tells of the caller. */
  readonly fetch: (request: Request, peer?: Peer) => Promise<Response>;
  /** Takes WebSockets on this server's port. @returns how to end them */
  readonly attach: (server: Server) => WebSockets;
  /** Ends every live stream, so that its client goes elsewhere and continues there. */
  readonly drain: () => void;
}

/** The whole gateway as one handler: the graph at /graphql, the contract at /msteams and /mxteams, the platforms' webhooks, health at /health. */
export function createApp({ gateway, live, contract, log, botFramework, embedded, isReady }: AppOptions): App {
  const authenticate = createAuthentication(gateway);
  const contextFor = (caller: Caller, resumeFrom?: string) => createContext(gateway, live, caller, resumeFrom);
  const credentials = createCredentialWatch({ prisma: gateway.prisma, log });
  let draining = false;
  const graph = createGraph({ schema, contextFor, authenticate, credentials, isDraining: () => draining, log });
  const rest = createContract({ ...contract, schema, contextFor, authenticate, log });

  async function play(request: Request, peer: Peer, platforms: { carrier: boolean; teams: boolean }): Promise<Response> {
    const caller = await authenticate(request, peer);
    if (isRefusal(caller)) return Response.json({ message: caller.message }, { status: caller.status });
    return standIn(gateway, { ...platforms, fetch: (own) => route(own, {}) }, caller, request);
  }

  async function route(request: Request, peer: Peer): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/graphql') return graph.fetch(request, peer);
    if (/^\/(msteams|mxteams)(\/|$)/.test(pathname)) return rest(request, peer);
    if (pathname.startsWith(RESTCOMM_WEBHOOKS)) return restcommWebhook(gateway, request);
    if (pathname === BOT_ENDPOINT && botFramework) return botEndpoint(gateway, botFramework, request);
    if (pathname.startsWith(STAND_IN) && embedded) return play(request, peer, embedded);
    if (pathname.startsWith('/health/')) return health(request, isReady);
    if (pathname === '/') return new Response(null, { status: 302, headers: { location: '/graphql' } });
    return Response.json({ error: 'Not found' }, { status: 404 });
  }

  return {
    fetch: async (request, peer = {}) => {
      try {
        return await route(request, peer);
      } catch (error) {
        log.error({ err: error }, 'a request failed unexpectedly');
        return Response.json({ error: 'Internal server error' }, { status: 500 });
      }
    },
    attach: (server) => attachWebSockets(server, { graph, authenticate, log }),
    drain: () => {
      draining = true;
      live.stop();
      credentials.stop();
    },
  };
}
