import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { createContext } from '../schema/context.ts';
import { schema } from '../schema/index.ts';
import type { Admission } from './admission/admission.ts';
import { createAuthentication, isRefusal, type Peer } from './admission/authentication.ts';
import { allowOrigin, preflight } from './admission/cors.ts';
import { createCredentialWatch } from './admission/credential-watch.ts';
import type { FailedAttemptsOptions } from './admission/failed-attempts.ts';
import { CHANGES, createFairness, READS } from './admission/fairness.ts';
import { DEFAULT_LIMITS, type Limits } from './admission/limits.ts';
import { createOrigins } from './admission/origins.ts';
import { OUTAGE_LOGGED, outageOf } from './admission/outage.ts';
import { createQuota } from './admission/quota.ts';
import type { RateLimit } from './admission/rate-limit.ts';
import { createContract } from './contract/handler.ts';
import type { Settings as ContractSettings } from './contract/settings.ts';
import type { Caller } from './domain/caller.ts';
import type { Gateway } from './domain/gateway.ts';
import { BOT_ENDPOINT, botEndpoint } from './exchange/bot-endpoint.ts';
import { RESTCOMM_WEBHOOKS, restcommWebhook } from './exchange/restcomm-webhooks.ts';
import { STAND_IN, standIn } from './exchange/stand-in.ts';
import { createGraph, type GraphSettings } from './graph/graph.ts';
import { isSimple } from './graph/simple-operation.ts';
import { attachWebSockets, type WebSockets } from './graph/streams/websocket.ts';
import type { Live } from './live/live.ts';
import type { BotFrameworkVerifier } from './platforms/microsoft/bot-framework-tokens.ts';
import { health } from './server/health.ts';
import { type AnyRequest, requestOf, targetOf } from './server/node-request.ts';
import { secure } from './server/security-headers.ts';
import type { AddressOfRequest, Direct } from './server/server.ts';
import { type AnyResponse, responseOf } from './server/text-response.ts';

export interface AppOptions {
  readonly gateway: Gateway;
  readonly live: Live;
  readonly contract: ContractSettings;
  readonly log: Logger;
  /** Proves the Bot Framework's requests; absent where Teams is the embedded stand-in, which sends none. */
  readonly botFramework?: BotFrameworkVerifier;
  /** Which platforms are the embedded stand-ins, and may be played. */
  readonly embedded?: { readonly carrier: boolean; readonly teams: boolean };
  /** What the graph shows of itself; everything where left out. */
  readonly graph?: GraphSettings;
  readonly limits?: Partial<Limits>;
  /** How those who guess are slowed. */
  readonly failedAttempts?: FailedAttemptsOptions;
  /** Absent: requests are not counted. */
  readonly rateLimit?: RateLimit;
  /** Origins whose pages may use both faces; none where left out. */
  readonly corsOrigins?: readonly string[];
  /** Does the database answer, are its migrations in, and is the process not draining? */
  readonly isReady: () => boolean | Promise<boolean>;
}

export interface App {
  /** Answers one request; never throws. `peer` is what the socket tells of the caller. */
  readonly fetch: (request: Request, peer?: Peer) => Promise<Response>;
  /** The same for what needs neither a Request nor a Response. */
  readonly direct: Direct;
  /** Takes WebSockets on this server's port. @returns how to end them */
  readonly attach: (server: Server, addressOf?: AddressOfRequest) => WebSockets;
  /** Ends every live stream, so that its client goes elsewhere and continues there. */
  readonly drain: () => void;
}

const CONTRACT = /^\/(msteams|mxteams)(\/|$)/;
const OPEN: GraphSettings = { introspection: true, graphiql: true };

/** The whole gateway as one handler: the graph at /graphql, the contract at /msteams and /mxteams, the platforms' webhooks, health at /health. */
export function createApp(options: AppOptions): App {
  const { gateway, live, contract, log, botFramework, embedded, isReady, graph: shown = OPEN, rateLimit, corsOrigins = [] } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const origins = createOrigins(corsOrigins, () => gateway.publicUrl);
  const admission: Admission = {
    origins,
    rateLimit,
    reads: createFairness(READS),
    changes: createFairness(CHANGES),
    requestTimeoutMs: limits.requestTimeoutMs,
  };
  const authenticate = createAuthentication(gateway, options.failedAttempts);
  const contextFor = (caller: Caller, resumeFrom?: string) => createContext(gateway, live, caller, resumeFrom);
  const credentials = createCredentialWatch({ prisma: gateway.prisma, verified: gateway.verified, log });
  let draining = false;
  const graph = createGraph({
    ...shown,
    schema,
    contextFor,
    authenticate,
    credentials,
    admission,
    subscriptions: createQuota(limits.subscriptionsPerAccount),
    isDraining: () => draining,
    log,
  });
  const rest = createContract({ ...contract, schema, contextFor, authenticate, admission, log });

  async function play(request: Request, peer: Peer, platforms: { carrier: boolean; teams: boolean }): Promise<Response> {
    if (origins.isForeignChange(request)) return Response.json({ message: 'Forbidden' }, { status: 403 });
    const caller = await authenticate(request, peer);
    if (isRefusal(caller)) {
      const headers = caller.retryAfter ? { 'retry-after': String(caller.retryAfter) } : undefined;
      return Response.json({ message: caller.message }, { status: caller.status, headers });
    }
    return standIn(gateway, { ...platforms, fetch: async (own) => responseOf(await route(own, {})) }, caller, request);
  }

  /** Answers what pages of allowed origins may use. */
  async function forPages(request: AnyRequest, answer: () => Promise<AnyResponse>): Promise<AnyResponse> {
    const response = preflight(request, origins) ?? (await answer());
    allowOrigin(request, response, origins);
    return response;
  }

  async function route(asked: AnyRequest, peer: Peer): Promise<AnyResponse> {
    const { pathname } = targetOf(asked);
    if (pathname === '/graphql') return forPages(asked, () => graph.fetch(asked, peer));
    if (CONTRACT.test(pathname)) return forPages(asked, () => rest(asked, peer));
    const request = await requestOf(asked);
    if (pathname.startsWith(RESTCOMM_WEBHOOKS)) return restcommWebhook(gateway, request);
    if (pathname === BOT_ENDPOINT && botFramework) return botEndpoint(gateway, botFramework, request);
    if (pathname.startsWith(STAND_IN) && embedded) return play(request, peer, embedded);
    if (pathname.startsWith('/health/')) return health(request, isReady);
    if (pathname === '/' && shown.graphiql) return new Response(null, { status: 302, headers: { location: '/graphql' } });
    return Response.json({ error: 'Not found' }, { status: 404 });
  }

  async function answer(request: AnyRequest, peer: Peer): Promise<AnyResponse> {
    const response = await route(request, peer).catch((error: unknown) => {
      const outage = outageOf(error);
      log.error({ err: error }, outage ? OUTAGE_LOGGED : 'a request failed unexpectedly');
      if (!outage) return Response.json({ error: 'Internal server error' }, { status: 500 });
      return Response.json({ error: outage.message }, { status: 503, headers: { 'retry-after': String(outage.retryAfter) } });
    });
    secure(response);
    return response;
  }

  return {
    fetch: async (request, peer = {}) => responseOf(await answer(request, peer)),
    direct: {
      takes: (request) => {
        const { pathname } = targetOf(request);
        return pathname === '/graphql' ? isSimple(request) : CONTRACT.test(pathname);
      },
      fetch: answer,
    },
    attach: (server, addressOf) =>
      attachWebSockets(server, { graph, authenticate, origins, addressOf, quota: createQuota(limits.socketsPerAccount), log }),
    drain: () => {
      draining = true;
      live.stop();
      credentials.stop();
    },
  };
}
