import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import { CloseCode, type Context, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import { actorOf, type Caller } from '../domain/caller.ts';
import type { Rendered } from '../live/render.ts';
import { type Authentication, isRefusal } from './authentication.ts';
import type { Counted } from './counted.ts';
import type { Graph, PreparedSubscription } from './graph.ts';
import type { Origins } from './origins.ts';
import type { AddressOfRequest } from './server.ts';

/** The largest message that a client may send: 64 KiB. */
const MAX_PAYLOAD = 64 * 1024;
const INIT_TIMEOUT_MS = 5000;
/** A client that does not answer a ping until the next is gone. */
const PING_MS = 12_000;
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

/** What is kept with a connection. */
interface Connection {
  readonly socket: WebSocket;
  /** The credentials of the upgrade, and whence it came. */
  readonly authorization: string | undefined;
  readonly remoteAddress: string | undefined;
  /** Its open streams. */
  readonly streams: Set<AsyncIterableIterator<Rendered>>;
  caller?: Caller;
  unwatch?: () => void;
  giveBack?: () => void;
}

/** What is run travels through graphql-ws as its execution arguments. */
interface Arguments {
  readonly prepared: PreparedSubscription;
  readonly connection: Connection;
  readonly id: string;
}

interface Options {
  readonly graph: Graph;
  readonly authenticate: Authentication;
  readonly origins: Origins;
  /** The listener's; the connection's other end where left out. */
  readonly addressOf?: AddressOfRequest;
  /** Open sockets that are acknowledged. */
  readonly counted: Counted;
  readonly log: Logger;
}

/**
 * graphql-ws on the HTTP server's own port, at /graphql. Credentials come in connectionInit's payload (`Authorization`) or in the upgrade's headers.
 */
export function attachWebSockets(server: Server, options: Options): WebSockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  const protocol = createProtocol(options);
  let leaving = false;

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', (error) => options.log.debug({ err: error }, 'a socket failed while it was upgraded'));
    if (leaving) socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
    else if (request.url?.split('?')[0] !== '/graphql') socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
    else if (isForeign(request, options.origins)) socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    else sockets.handleUpgrade(request, socket, head, (client) => serve(protocol, client, request, options));
  };
  server.on('upgrade', upgrade);

  const terminate = () => {
    for (const client of sockets.clients) client.terminate();
  };
  return {
    goAway: () => {
      leaving = true;
      for (const client of sockets.clients) client.close(GOING_AWAY, 'Going away');
      setTimeout(terminate, CLOSING_MS).unref();
    },
    dispose: async () => {
      server.off('upgrade', upgrade);
      terminate();
      await new Promise((resolve) => sockets.close(resolve));
    },
  };
}

function createProtocol({ graph, authenticate, counted, log }: Options) {
  return makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: async ({ connectionParams, extra: connection }) => {
      const { socket, remoteAddress } = connection;
      const { Authorization, authorization } = connectionParams ?? {};
      const given = Authorization ?? authorization ?? connection.authorization;
      const header = typeof given === 'string' ? given : null;
      const headers = { get: (name: string) => (name.toLowerCase() === 'authorization' ? header : null) };
      const caller = await authenticate({ headers }, { remoteAddress });
      if (isRefusal(caller)) {
        // Not for good, so not 4403, which tells a client not to try again.
        if (caller.status === 503) socket.close(TRY_AGAIN_LATER, 'Try again later');
        if (caller.status === 429) socket.close(TRY_AGAIN_LATER, `Too many attempts failed; try again in ${caller.retryAfter} s`);
        return false;
      }
      connection.caller = caller;
      if (socket.readyState !== WebSocket.OPEN) return false;
      connection.giveBack = counted.take(actorOf(caller));
      if (!connection.giveBack) {
        socket.close(TRY_AGAIN_LATER, `This account has ${counted.maximum} sockets open, as many as it may`);
        return false;
      }
      connection.unwatch = graph.watch(caller, () => socket.close(CloseCode.Forbidden, 'Forbidden'));
      return true;
    },
    onSubscribe: async ({ extra: connection }: Context<Record<string, unknown>, Connection>, id: string, payload: SubscribePayload) => {
      const caller = connection.caller as Caller;
      const tooMany = await graph.count(caller);
      if (tooMany) return [tooMany];
      const prepared = graph.prepare(caller, payload);
      if ('errors' in prepared) return prepared.errors as never;
      return {
        schema: prepared.schema,
        document: prepared.document,
        operationName: prepared.operationName,
        prepared,
        connection,
        id,
      } as never;
    },
    execute: (args) => graph.execute((args as unknown as Arguments).prepared),
    subscribe: (args) => subscribe(args as unknown as Arguments, log),
    onClose: ({ extra: { unwatch, giveBack, streams } }) => {
      unwatch?.();
      giveBack?.();
      // Two streams may have had the same id, one behind the other; graphql-ws knows the last only.
      for (const stream of streams) void stream.return?.();
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

/** Connects a socket with the protocol. */
function serve(
  protocol: ReturnType<typeof createProtocol>,
  socket: WebSocket,
  request: IncomingMessage,
  { origins, addressOf = ({ socket }) => socket.remoteAddress, log }: Pick<Options, 'origins' | 'addressOf' | 'log'>,
): void {
  const remoteAddress = addressOf(request);
  const connection: Connection = { socket, authorization: authorizationOf(request, origins), remoteAddress, streams: new Set() };
  let isAlive = true;
  const pings = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, PING_MS);
  socket.on('pong', () => {
    isAlive = true;
  });
  // What breaks RFC 6455 or is too large; ws closes the socket with the code for it.
  socket.on('error', (error) => log.debug({ err: error }, 'a socket failed'));
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => sendText(socket, text),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (take) => {
        socket.on('message', (data) => {
          take(String(data)).catch((error: unknown) => {
            if (socket.readyState === WebSocket.OPEN) log.error({ err: error }, 'unexpected error over a WebSocket');
            socket.close(TRY_AGAIN_LATER, 'Try again later');
          });
        });
      },
    },
    connection,
  );
  socket.once('close', (code, reason) => {
    clearInterval(pings);
    closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'unexpected error as a WebSocket closed'));
  });
}

/** Resolves when the text has left for the network, so that a slow reader's next one is not even made. */
function sendText(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== WebSocket.OPEN) resolve();
    // An error is that of a socket which closes, and its closing is looked after.
    else socket.send(text, () => resolve());
  });
}

/**
 * Sends a subscription's answers, which are serialized already, as `next` messages. graphql-ws, which would serialize each again, sees the end alone:
 * what is returned gives nothing until then, and throws what the stream ends with, for an `error` message.
 */
async function subscribe({ prepared, connection, id }: Arguments, log: Logger): Promise<AsyncIterableIterator<ExecutionResult>> {
  const { socket, streams } = connection;
  const answers = await prepared.subscribe();
  let ended = false;

  async function send(): Promise<IteratorResult<ExecutionResult>> {
    if ('errors' in answers) throw answers.errors[0];
    streams.add(answers);
    if (socket.readyState !== WebSocket.OPEN) end();
    const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    try {
      for await (const { json } of answers) {
        if (ended) break;
        await sendText(socket, `${head}${json}}`);
      }
    } catch (error) {
      throw prepared.maskError(error);
    } finally {
      streams.delete(answers);
      end();
    }
    return { done: true, value: undefined };
  }

  function end(): void {
    ended = true;
    if (!('errors' in answers)) answers.return?.().catch((error: unknown) => log.error({ err: error }, 'a stream can not be ended'));
  }

  const ending: AsyncIterableIterator<ExecutionResult> = {
    next: send,
    return: async () => {
      end();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => ending,
  };
  return ending;
}
