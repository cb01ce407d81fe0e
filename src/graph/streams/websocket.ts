import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, getOperationAST } from 'graphql';
import { type Context, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import { type Authentication, isRefusal } from '../../admission/authentication.ts';
import type { Origins } from '../../admission/origins.ts';
import type { Quota } from '../../admission/quota.ts';
import type { Caller } from '../../domain/caller.ts';
import type { AddressOfRequest } from '../../server/server.ts';
import { ClientSocket } from './client-socket.ts';
import type { PreparedOperation, StreamingGraph } from './prepared.ts';
import { SocketStream, TakenOver } from './socket-stream.ts';

/** The largest message that a client may send: 64 KiB. */
const MAX_PAYLOAD = 64 * 1024;
/** How often each socket is looked at. */
const TICK_MS = 1000;
/** How long a client may take to answer that the socket closes. */
const CLOSING_MS = 3000;
/** RFC 6455, section 7.4.1. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

export interface WebSockets {
  /** Tells every client to connect again, elsewhere, and takes no other. */
  goAway(): void;
  dispose(): Promise<void>;
}

/** What is run travels through graphql-ws as its execution arguments. */
interface Arguments {
  readonly prepared: PreparedOperation;
  readonly stream: SocketStream;
}

interface Options {
  readonly graph: StreamingGraph;
  readonly authenticate: Authentication;
  readonly origins: Origins;
  /** The listener's; the connection's other end where left out. */
  readonly addressOf?: AddressOfRequest;
  /** Open sockets that are acknowledged. */
  readonly quota: Quota;
  readonly log: Logger;
}

/**
 * graphql-ws on the HTTP server's own port, at /graphql. Credentials come in connectionInit's payload (`Authorization`) or in the upgrade's headers.
 */
export function attachWebSockets(server: Server, options: Options): WebSockets {
  const { origins, addressOf = ({ socket }) => socket.remoteAddress, log } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD,
    // Streams are sent in frames of their own, which know no extension.
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
    WebSocket: ClientSocket,
    clientTracking: false,
  });
  const clients = new Set<ClientSocket>();
  const protocol = createProtocol(options, clients);
  const ticks = setInterval(() => {
    for (const client of clients) client.tick();
  }, TICK_MS).unref();
  let leaving = false;

  const failed = (error: Error) => log.debug({ err: error }, 'a socket failed while it was upgraded');

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', failed);
    if (leaving) refuse(socket, '503 Service Unavailable');
    else if (request.url?.split('?')[0] !== '/graphql') refuse(socket, '404 Not Found');
    else if (isForeign(request, origins)) refuse(socket, '403 Forbidden');
    else sockets.handleUpgrade(request, socket, head, begin);
  }

  function begin(client: ClientSocket, request: IncomingMessage): void {
    request.socket.off('error', failed);
    client.network = request.socket;
    client.authorization = authorizationOf(request, origins);
    client.remoteAddress = addressOf(request);
    clients.add(client);
    client.begin(protocol, log);
  }
  server.on('upgrade', upgrade);

  const terminate = () => {
    for (const client of clients) client.terminate();
  };
  return {
    goAway: () => {
      leaving = true;
      for (const client of clients) client.close(GOING_AWAY, 'Going away');
      setTimeout(terminate, CLOSING_MS).unref();
    },
    dispose: async () => {
      server.off('upgrade', upgrade);
      clearInterval(ticks);
      const closed = [...clients].filter(({ readyState }) => readyState !== WebSocket.CLOSED).map((client) => once(client, 'close'));
      terminate();
      await Promise.all(closed);
      sockets.close();
    },
  };
}

/** As Yoga says it over HTTP. */
const noSuchOperation = () =>
  new GraphQLError('Could not determine what operation to execute.', { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });

function createProtocol({ graph, authenticate, quota }: Options, clients: Set<ClientSocket>) {
  return makeServer<Record<string, unknown>, ClientSocket>({
    // Looked after with the pings: a timer for each socket would be kept as long as it is open.
    connectionInitWaitTimeout: 0,
    onConnect: async (context) => {
      const { extra: socket } = context;
      const { Authorization, authorization } = context.connectionParams ?? {};
      const given = Authorization ?? authorization ?? socket.authorization;
      socket.isIntroduced = true;
      // Credentials are not kept as long as the socket.
      Object.assign(context, { connectionParams: undefined });
      socket.authorization = undefined;
      const header = typeof given === 'string' ? given : null;
      const headers = { get: (name: string) => (name.toLowerCase() === 'authorization' ? header : null) };
      const caller = await authenticate({ headers }, { remoteAddress: socket.remoteAddress });
      if (isRefusal(caller)) {
        // Not for good, so not 4403, which tells a client not to try again.
        if (caller.status === 503) socket.close(TRY_AGAIN_LATER, 'Try again later');
        if (caller.status === 429) socket.close(TRY_AGAIN_LATER, `Too many attempts failed; try again in ${caller.retryAfter} s`);
        return false;
      }
      if (socket.readyState !== WebSocket.OPEN) return false;
      const isAdmitted = socket.admit(caller, quota, graph.credentials);
      if (!isAdmitted) socket.close(TRY_AGAIN_LATER, `This account has ${quota.maximum} sockets open, as many as it may`);
      return isAdmitted;
    },
    onSubscribe: async (context: Context<Record<string, unknown>, ClientSocket>, id: string, payload: SubscribePayload) => {
      const stream = new SocketStream(context, id);
      const caller = context.extra.caller as Caller;
      const tooMany = await context.extra.whilePaused(() => graph.count(caller));
      if (tooMany) return [tooMany];
      const prepared = graph.prepare(caller, payload);
      if ('errors' in prepared) return prepared.errors as never;
      if (!getOperationAST(prepared.document, prepared.operationName)) return [noSuchOperation()];
      return { schema: prepared.schema, document: prepared.document, operationName: prepared.operationName, prepared, stream } as never;
    },
    execute: (args) => (args as unknown as Arguments).prepared.execute(),
    subscribe: async (args) => {
      const { prepared, stream } = args as unknown as Arguments;
      await stream.open(prepared);
      throw new TakenOver(stream);
    },
    onClose: ({ extra: socket }) => {
      clients.delete(socket);
      // graphql-ws may have lost sight of one whose id another operation had before.
      for (const stream of socket.streams) void stream.return();
    },
  });
}

/**
 * The credentials of the upgrade itself. A browser adds those that it knows for this host on its own, whoever's page asks, so another site's page
 * has none.
 */
function authorizationOf({ headers: { authorization, origin, host } }: IncomingMessage, { isOwn }: Origins): string | undefined {
  return origin === undefined || isOwn(origin, host) ? authorization : undefined;
}

/** Is it asked for by a page of another site, which was not allowed? CORS does not hold for WebSockets. */
function isForeign({ headers: { origin, host } }: IncomingMessage, { isAllowed, isOwn }: Origins): boolean {
  return origin !== undefined && !isAllowed(origin) && !isOwn(origin, host);
}

/** Closes the connection behind its answer: nobody reads what else comes, nor hears that the client is gone. */
function refuse(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
}
