import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { SpanKind } from '@opentelemetry/api';
import { GraphQLError, getOperationAST } from 'graphql';
import { type Context, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import { type Authentication, isRefusal } from '../../admission/authentication.ts';
import { isBasic, type Origins } from '../../admission/origins.ts';
import type { CallerQuota } from '../../admission/quota.ts';
import type { Caller } from '../../domain/caller.ts';
import { readTarget } from '../../server/request-target.ts';
import type { AddressOfRequest } from '../../server/server.ts';
import { inRemoteSpan } from '../../traces/spans.ts';
import { asksForCost, COST_HEADER, errorsWithCost } from './asks-for-cost.ts';
import { ClientSocket, TICK_MS, TRY_AGAIN_LATER } from './client-socket.ts';
import type { PreparedOperation, StreamingGraph } from './prepared.ts';
import { SocketStream, TakenOver } from './socket-stream.ts';

export const SOCKET_PATH = '/graphql';

/** The largest message of a client, in bytes: 64 KiB. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** How long a client may take to complete the closing handshake, in ms. */
const CLOSE_TIMEOUT_MS = 3000;
/** As long as vendors have to pass on a tracestate (W3C Trace Context, 3.3.1.5). */
const MAX_TRACE_LENGTH = 512;
/** RFC 6455, 7.4.1. */
const GOING_AWAY = 1001;

export interface WebSockets {
  /** Closes every socket, so that its client reconnects elsewhere, and refuses new ones. */
  goAway(): void;
  /** Disconnects every socket. */
  dispose(): Promise<void>;
}

type SocketContext = Context<Record<string, unknown>, ClientSocket>;

/** What a client sends along with an operation or its connection. */
type SocketParameters = Readonly<Record<string, unknown>> | null | undefined;

/** The execution arguments that `onSubscribe` returns: graphql-ws passes them on to `execute` and `subscribe`. */
interface OperationArguments {
  readonly prepared: PreparedOperation;
  readonly stream: SocketStream;
  readonly connection: Duplex | undefined;
  readonly trace: TraceParents;
}

/** The W3C headers of a trace, as parameters. */
interface TraceParents {
  readonly traceparent: string | null;
  readonly tracestate: string | null;
}

interface WebSocketOptions {
  readonly graph: StreamingGraph;
  readonly authenticate: Authentication;
  readonly origins: Origins;
  /** Defaults to the connection's own address. */
  readonly addressOf?: AddressOfRequest;
  /** Acknowledged sockets of each account. */
  readonly quota: CallerQuota;
  readonly log: Logger;
}

/**
 * Serves the graphql-transport-ws protocol at /graphql, on the HTTP server's own port. Credentials are in the payload of connection_init
 * (`Authorization`) or in the headers of the upgrade.
 */
export function attachWebSockets(server: Server, options: WebSocketOptions): WebSockets {
  const { origins, addressOf = ({ socket }) => socket.remoteAddress, log } = options;
  const upgrader = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    // Streams write their own frames, without extensions.
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
    WebSocket: ClientSocket,
    clientTracking: false,
  });
  const clients = new Set<ClientSocket>();
  const protocol = createProtocol(options, clients);
  const timer = setInterval(() => {
    for (const client of clients) client.tick();
  }, TICK_MS).unref();
  let isGoingAway = false;

  const failed = (error: Error) => log.debug({ err: error }, 'a WebSocket upgrade failed');

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', failed);
    if (isGoingAway) refuse(socket, '503 Service Unavailable');
    else if (!readTarget(request)) refuse(socket, '400 Bad Request');
    else if (request.url?.split('?')[0] !== SOCKET_PATH) refuse(socket, '404 Not Found');
    else if (isForeign(request, origins)) refuse(socket, '403 Forbidden');
    else upgrader.handleUpgrade(request, socket, head, begin);
  }

  function begin(client: ClientSocket, request: IncomingMessage): void {
    request.socket.off('error', failed);
    client.network = request.socket;
    client.isOtherSite = isOtherSite(request, origins);
    // A browser adds its credentials for this host, whatever the page.
    client.authorization = client.isOtherSite ? undefined : request.headers.authorization;
    client.remoteAddress = addressOf(request);
    clients.add(client);
    client.begin(protocol, log);
  }

  const terminate = () => {
    for (const client of clients) client.terminate();
  };

  server.on('upgrade', upgrade);
  return {
    goAway: () => {
      isGoingAway = true;
      for (const client of clients) client.close(GOING_AWAY, 'Going away');
      setTimeout(terminate, CLOSE_TIMEOUT_MS).unref();
    },
    dispose: async () => {
      server.off('upgrade', upgrade);
      clearInterval(timer);
      const closed = [...clients].filter(({ readyState }) => readyState !== WebSocket.CLOSED).map((client) => once(client, 'close'));
      terminate();
      await Promise.all(closed);
      upgrader.close();
    },
  };
}

function createProtocol(options: WebSocketOptions, clients: Set<ClientSocket>) {
  return makeServer<Record<string, unknown>, ClientSocket>({
    // ClientSocket's ticks do it: a timer for each socket would stay in memory as long as the socket.
    connectionInitWaitTimeout: 0,
    onConnect: (context) => connect(options, context),
    onSubscribe: (context, id, payload) => prepare(options.graph, context, id, payload) as Promise<never>,
    execute: (args) => {
      const { prepared, connection, trace } = args as unknown as OperationArguments;
      return traced(trace, async () => prepared.execute(connection));
    },
    subscribe: async (args) => {
      const { prepared, stream, trace } = args as unknown as OperationArguments;
      // Until it has opened: what it then shows are others' messages, each with a trace of its own.
      await traced(trace, () => stream.open(prepared));
      throw new TakenOver(stream);
    },
    onClose: ({ extra: socket }) => {
      clients.delete(socket);
      // graphql-ws forgets a stream whose id another operation has used since.
      for (const stream of socket.streams) void stream.return();
    },
  });
}

/**
 * Handles connection_init.
 * @returns false to refuse it, with 4403 unless the socket is closed with another code
 */
async function connect({ graph, authenticate, quota }: WebSocketOptions, context: SocketContext): Promise<boolean> {
  const { extra: socket } = context;
  const given = paramOf(context.connectionParams, 'authorization') ?? socket.authorization;
  socket.hasSentInit = true;
  socket.asksForCost = isCostAsked(context.connectionParams);
  socket.trace = traceIn(context.connectionParams);
  // Credentials must not stay in memory as long as the socket.
  Object.assign(context, { connectionParams: undefined });
  socket.authorization = undefined;
  const header = typeof given === 'string' && !(socket.isOtherSite && isBasic(given)) ? given : null;
  const headers = { get: (name: string) => (name.toLowerCase() === 'authorization' ? header : null) };
  const caller = await authenticate({ headers }, { remoteAddress: socket.remoteAddress });
  if (isRefusal(caller)) {
    // As for an open socket whose credentials end: after 4403, clients would connect again with the same ones.
    if (caller.hasEnded) socket.end();
    // Not 4403, after which clients do not try again.
    if (caller.status === 503) socket.close(TRY_AGAIN_LATER, 'Try again later');
    if (caller.status === 429) {
      socket.close(TRY_AGAIN_LATER, `Too many failed authentication attempts; try again in ${caller.retryAfter} s`);
    }
    return false;
  }
  if (socket.readyState !== WebSocket.OPEN) return false;
  const reached = socket.admit(caller, quota, graph.credentials);
  if (reached) socket.close(TRY_AGAIN_LATER, `This ${reached.owner} already has ${reached.maximum} open WebSockets, the maximum`);
  return !reached;
}

/**
 * Handles a subscribe message.
 * @returns execution arguments, with `OperationArguments`, or the errors
 */
async function prepare(graph: StreamingGraph, context: SocketContext, id: string, payload: SubscribePayload): Promise<unknown> {
  const stream = new SocketStream(context, id);
  const caller = context.extra.caller as Caller;
  const { rate, error } = await context.extra.whilePaused(() => graph.count(caller));
  if (error) return [error];
  const asksCost = context.extra.asksForCost || isCostAsked(payload.extensions);
  const prepared = graph.prepare(caller, payload, { cost: asksCost ? { rate } : undefined });
  if ('errors' in prepared) return errorsWithCost(prepared.errors, prepared.cost);
  const { schema, document, operationName } = prepared;
  if (!getOperationAST(document, operationName)) return [noSuchOperation()];
  const own = traceIn(payload.extensions);
  const trace = own.traceparent === null ? context.extra.trace : own;
  return { schema, document, operationName, prepared, stream, connection: context.extra.network, trace };
}

/** Runs an operation in a span that continues the trace of its extensions, or else of its connection. */
const traced = <Result>(trace: TraceParents, run: () => Promise<Result>): Promise<Result> =>
  inRemoteSpan(
    { name: 'WebSocket graph', kind: SpanKind.SERVER, attributes: { 'gateway.face': 'graph', 'network.protocol.name': 'websocket' } },
    { get: (name) => (name === 'traceparent' || name === 'tracestate' ? trace[name] : null) },
    run,
  );

/** The trace in the parameters of a connection, or the extensions of an operation. Those of a socket stay as long as it does, so they are bounded. */
function traceIn(parameters: SocketParameters): TraceParents {
  const textOf = (header: string) => {
    const given = paramOf(parameters, header);
    return typeof given === 'string' && given.length <= MAX_TRACE_LENGTH ? given : null;
  };
  return { traceparent: textOf('traceparent'), tracestate: textOf('tracestate') };
}

/** Whether the header that asks for the cost is among the parameters of a connection, or the extensions of an operation. */
const isCostAsked = (parameters: SocketParameters) => asksForCost(paramOf(parameters, COST_HEADER));

/** The value of a parameter that stands for a header, so that its name is in any case. */
const paramOf = (parameters: SocketParameters, header: string): unknown =>
  Object.entries(parameters ?? {}).find(([name]) => name.toLowerCase() === header)?.[1];

/** Yoga's error over HTTP. */
const noSuchOperation = () =>
  new GraphQLError('Could not determine what operation to execute.', { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });

/** Whether a page of another site opens the socket. */
const isOtherSite = ({ headers: { origin, host } }: IncomingMessage, { isOwn }: Origins) => origin !== undefined && !isOwn(origin, host);

/** Whether a page of another site, not in CORS_ORIGINS, opens the socket. Browsers do not apply CORS to WebSockets. */
const isForeign = (request: IncomingMessage, origins: Origins) =>
  isOtherSite(request, origins) && !origins.isAllowed(request.headers.origin ?? null);

/** Refuses an upgrade, and closes its connection. node no longer reads from it, so it would stay open after the client has gone. */
function refuse(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
}
