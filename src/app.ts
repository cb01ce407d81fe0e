import type { Server } from 'node:http';
import { SpanKind } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { createContext } from '../schema/context.ts';
import { printPossibleTypes, printSdl } from '../schema/files.ts';
import { schema } from '../schema/index.ts';
import type { Admission } from './admission/admission.ts';
import { createAdmit } from './admission/admit.ts';
import { createAuthentication } from './admission/authentication.ts';
import type { ClientInterest } from './admission/client-interest.ts';
import { createCredentialWatch } from './admission/credential-watch.ts';
import type { FailedAttemptsOptions } from './admission/failed-attempts.ts';
import { CHANGES, createFairness, READS } from './admission/fairness.ts';
import { DEFAULT_LIMITS, type Limits } from './admission/limits.ts';
import { type ObserveRefusal, observedQuota, type RequestReport } from './admission/observed.ts';
import { createOrigins } from './admission/origins.ts';
import { OUTAGE_LOGGED, outageOf } from './admission/outage.ts';
import { createCallerQuota } from './admission/quota.ts';
import type { RateLimit } from './admission/rate-limit.ts';
import type { StatementTurns } from './admission/statements.ts';
import { BULK, createBulk, DOWNLOADS } from './bulk/face.ts';
import type { ConsoleFiles } from './console-files.ts';
import { createContract } from './contract/handler.ts';
import type { ContractSettings } from './contract/operations/settings.ts';
import type { Caller } from './domain/caller.ts';
import type { Gateway } from './domain/gateway.ts';
import { RESTCOMM_WEBHOOKS, restcommWebhook } from './exchange/restcomm/webhooks.ts';
import { STAND_IN } from './exchange/stand-in/stand-in.ts';
import { createStandInFace } from './exchange/stand-in/stand-in-face.ts';
import { BOT_ENDPOINT, botEndpoint } from './exchange/teams/bot-endpoint.ts';
import { createAccessLog } from './execution/access-log.ts';
import type { ObserveOperation } from './execution/operations.ts';
import { isDirect } from './graph/face.ts';
import { createGraph, type GraphSettings } from './graph/graph.ts';
import { SCHEMA_FILE } from './graph/schema-files.ts';
import { attachWebSockets, SOCKET_PATH, type WebSockets } from './graph/streams/websocket.ts';
import type { Live } from './live/live.ts';
import type { BotFrameworkVerifier } from './platforms/microsoft/bot-framework-tokens.ts';
import { isFromPlayground } from './platforms/microsoft/playground.ts';
import { health } from './server/health.ts';
import { type AnyRequest, requestOf, targetOf } from './server/node-request.ts';
import { secure } from './server/security-headers.ts';
import type { AddressOfRequest, Direct, Peer } from './server/server.ts';
import { type AnyResponse, responseOf } from './server/text-response.ts';
import { refuseMethod } from './server/unreadable.ts';
import { describeSpan, inRemoteSpan, isTracing } from './traces/spans.ts';

export interface AppOptions {
  readonly gateway: Gateway;
  readonly live: Live;
  /** The turns of organizations' statements, of `live` too. */
  readonly statements: StatementTurns;
  readonly contract: ContractSettings;
  readonly log: Logger;
  /** Verifies the Bot Framework's requests. Absent if Teams is the embedded stand-in, which sends none. */
  readonly botFramework?: BotFrameworkVerifier;
  /** Whether the Bot Framework is Microsoft's playground on this machine, whose requests are not signed. */
  readonly playground?: boolean;
  /** Which platforms are embedded stand-ins, so that callers may play them. */
  readonly embedded?: { readonly carrier: boolean; readonly teams: boolean };
  /** Whether introspection and GraphiQL are on; by default, both are. */
  readonly graph?: GraphSettings;
  /** The page for people. Absent: off, or not built. */
  readonly console?: ConsoleFiles;
  readonly limits?: Partial<Limits>;
  /** Limits on failed authentication attempts. */
  readonly failedAttempts?: FailedAttemptsOptions;
  /** Absent: requests are not counted. */
  readonly rateLimit?: RateLimit;
  /** Origins whose pages may use both faces; none by default. */
  readonly corsOrigins?: readonly string[];
  /** Receives a report of every operation; by default, the access log. */
  readonly observe?: ObserveOperation;
  /** Receives a report of every request over HTTP. */
  readonly observeRequest?: (report: RequestReport) => void;
  /** Receives every refusal by a limit. */
  readonly observeRefusal?: ObserveRefusal;
  /** Serves /metrics. Absent: not on this port. */
  readonly metrics?: (request: Request) => Promise<Response>;
  /** Whether the database responds and is migrated, and the process is not draining. */
  readonly isReady: () => boolean | Promise<boolean>;
}

export interface App {
  /** Handles a request. Never throws. `peer`: the other end of its connection. */
  readonly fetch: (request: Request, peer?: Peer) => Promise<Response>;
  /** The same, for requests that need neither a Request nor a Response. */
  readonly direct: Direct;
  /** Where WebSockets are served. */
  readonly socketPath: string;
  /** Serves WebSockets on this server's port. */
  readonly attach: (server: Server, addressOf?: AddressOfRequest) => WebSockets;
  /** Ends every live stream, so that its client continues on another instance. */
  readonly drain: () => void;
}

const CONTRACT = /^\/(msteams|mxteams)(\/|$)/;
const OPEN: GraphSettings = { introspection: true, graphiql: true };

/**
 * Creates the gateway's handler: the graph at /graphql, the contract at /msteams and /mxteams, files at /exports and /imports, the platforms'
 * webhooks, the console at /console, health at /health.
 */
export function createApp(options: AppOptions): App {
  const { gateway, live, log, botFramework, playground, embedded, isReady, graph: shown = OPEN } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const admission = createAdmission(options, limits.requestTimeoutMs);
  const { authenticate, quota } = createChecks(options);
  const admit = createAdmit({ authenticate, admission, log });
  const credentials = createCredentialWatch({ prisma: gateway.prisma, verified: gateway.verified, log });
  let draining = false;
  const { graph, contract, bulk } = createFaces(options, {
    ...{ admission, credentials, isDraining: () => draining },
    subscriptions: quota('subscriptions', limits.subscriptionsPerAccount),
  });
  const standIn = embedded && createStandInFace(gateway, { ...embedded, fetch: async (own) => responseOf(await route(own, {})) });

  async function route(request: AnyRequest, peer: Peer): Promise<AnyResponse> {
    const refused = refuseMethod(request);
    if (refused) return refused;
    const { pathname } = targetOf(request);
    if (pathname === '/graphql' || SCHEMA_FILE.test(pathname)) return admit(request, peer, graph.face);
    if (CONTRACT.test(pathname)) return admit(request, peer, contract);
    if (BULK.test(pathname)) return admit(request, peer, bulk);
    if (standIn && pathname.startsWith(STAND_IN)) return admit(request, peer, standIn);
    if (pathname.startsWith(RESTCOMM_WEBHOOKS)) return restcommWebhook(gateway, request);
    if (botFramework && pathname === BOT_ENDPOINT) {
      if (playground && !isFromPlayground(request, peer.socketAddress)) return new Response(null, { status: 403 });
      return botEndpoint(gateway, botFramework, request);
    }
    const whole = await requestOf(request);
    if (pathname.startsWith('/health/')) return health(whole, isReady);
    if (options.metrics && pathname === '/metrics') return options.metrics(whole);
    const page = options.console?.serve(whole, gateway.consoleTab.isShown);
    if (page) return page;
    if (pathname === '/' && options.console) return new Response(null, { status: 302, headers: { location: 'console/' } });
    if (pathname === '/' && shown.graphiql) return new Response(null, { status: 302, headers: { location: '/graphql' } });
    return Response.json({ error: 'Not found' }, { status: 404 });
  }

  const { observeRequest } = options;

  async function respond(request: AnyRequest, peer: Peer): Promise<AnyResponse> {
    const began = observeRequest && performance.now();
    const response = await route(request, peer).catch((error: unknown) => answerFault(log, error));
    secure(response);
    if (observeRequest && began !== undefined)
      observeRequest({ face: faceOf(targetOf(request).pathname), status: response.status, durationMs: performance.now() - began });
    return response;
  }

  const answer = isTracing() ? tracedAnswer(respond) : respond;
  return {
    fetch: async (request, peer = {}) => responseOf(await answer(request, peer)),
    direct: {
      takes: (request) => {
        const { pathname } = targetOf(request);
        if (pathname === '/graphql') return isDirect(request);
        const isOfPlatform = pathname.startsWith(RESTCOMM_WEBHOOKS) || (botFramework !== undefined && pathname === BOT_ENDPOINT);
        return isOfPlatform || CONTRACT.test(pathname) || DOWNLOADS.test(pathname);
      },
      fetch: answer,
    },
    socketPath: SOCKET_PATH,
    attach: (server, addressOf) => {
      const { origins } = admission;
      const sockets = quota('sockets', limits.socketsPerAccount);
      return attachWebSockets(server, { graph: graph.streaming, authenticate, origins, addressOf, quota: sockets, log });
    },
    drain: () => {
      draining = true;
      live.stop();
      bulk.drain();
      credentials.stop();
    },
  };
}

function createAdmission({ gateway, rateLimit, corsOrigins = [], observeRefusal }: AppOptions, requestTimeoutMs: number): Admission {
  return {
    origins: createOrigins(corsOrigins, () => gateway.publicUrl),
    rateLimit,
    reads: createFairness(READS, observeRefusal),
    changes: createFairness(CHANGES, observeRefusal),
    requestTimeoutMs,
  };
}

/** Creates the checks of credentials, and the quotas of what callers have open. */
function createChecks({ gateway, failedAttempts, observeRefusal }: AppOptions) {
  return {
    authenticate: createAuthentication(gateway, failedAttempts, observeRefusal),
    quota: (limit: 'sockets' | 'subscriptions', maximum: number) => {
      const quota = createCallerQuota(maximum);
      return observeRefusal ? observedQuota(quota, limit, observeRefusal) : quota;
    },
  };
}

type Answer = (request: AnyRequest, peer: Peer) => Promise<AnyResponse>;

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);

/** Traces every request but those of probes. */
const tracedAnswer =
  (respond: Answer): Answer =>
  (request, peer) => {
    const face = faceOf(targetOf(request).pathname);
    if (face === 'health' || face === 'metrics') return respond(request, peer);
    const method = METHODS.has(request.method) ? request.method : '_OTHER';
    const attributes = { 'http.request.method': method, 'gateway.face': face };
    return inRemoteSpan({ name: `${method} ${face}`, kind: SpanKind.SERVER, attributes }, request.headers, async () => {
      const response = await respond(request, peer);
      describeSpan({ 'http.response.status_code': response.status });
      return response;
    });
  };

/** What requests are for. */
export const FACES = ['graph', 'contract', 'bulk', 'restcomm', 'teams', 'stand-in', 'health', 'metrics', 'console', 'other'] as const;
type FaceName = (typeof FACES)[number];

/** Names what a path is for. */
function faceOf(pathname: string): FaceName {
  if (pathname === '/graphql' || SCHEMA_FILE.test(pathname)) return 'graph';
  if (CONTRACT.test(pathname)) return 'contract';
  if (BULK.test(pathname)) return 'bulk';
  if (pathname.startsWith(RESTCOMM_WEBHOOKS)) return 'restcomm';
  if (pathname === BOT_ENDPOINT) return 'teams';
  if (pathname.startsWith(STAND_IN)) return 'stand-in';
  const [, own] = /^\/(health|metrics|console)(\/|$)/.exec(pathname) ?? [];
  return (own as FaceName | undefined) ?? 'other';
}

/** Creates the two faces, over one schema and one set of resolvers, and the one of links. */
function createFaces(
  {
    gateway,
    live,
    statements,
    log,
    contract,
    graph: shown = OPEN,
    console: page,
    observe = createAccessLog(log),
    observeRefusal,
  }: AppOptions,
  shared: Pick<Parameters<typeof createGraph>[0], 'admission' | 'credentials' | 'subscriptions' | 'isDraining'>,
) {
  const gatewayOf = (organizationSid: string, interest?: ClientInterest): Gateway =>
    Object.assign({}, gateway, { sql: statements(organizationSid, interest) });
  const contextFor = (caller: Caller, interest?: ClientInterest, resumeFrom?: string) =>
    createContext(gatewayOf(caller.organizationSid, interest), live, caller, resumeFrom);
  return {
    graph: createGraph({
      ...shown,
      ...shared,
      schema,
      schemaFiles: { printSdl, printPossibleTypes },
      consoleDocuments: page?.documents,
      contextFor,
      observe,
      log,
    }),
    contract: createContract({ ...contract, admission: shared.admission, schema, contextFor, observe, log }),
    bulk: createBulk({ gateway, gatewayOf, credentials: shared.credentials, observeRefusal }),
  };
}

/** The response to an error that no face or webhook has handled. */
function answerFault(log: Logger, error: unknown): Response {
  const outage = outageOf(error);
  log.error({ err: error }, outage ? OUTAGE_LOGGED : 'a request failed unexpectedly');
  if (!outage) return Response.json({ error: 'Internal server error' }, { status: 500 });
  return Response.json({ error: outage.message }, { status: 503, headers: { 'retry-after': String(outage.retryAfter) } });
}
