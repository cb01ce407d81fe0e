import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import type { Context, SubscribePayload } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import type { Logger } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import type { Caller } from '../domain/caller.ts';
import { type Rendered, subscribeRendered } from '../live/render.ts';
import { type Authentication, isRefusal } from './authentication.ts';
import type { Graph, PreparedSubscription } from './graph.ts';

/** The largest message that a client may send: 64 KiB. */
const MAX_PAYLOAD = 64 * 1024;
const INIT_TIMEOUT_MS = 5000;
/** RFC 6455, section 7.4.1. */
const GOING_AWAY = 1001;

export interface WebSockets {
  /** Tells every client to connect again, elsewhere. */
  goAway(): void;
  dispose(): Promise<void>;
}

/** What is kept with a connection. */
type Held = Record<PropertyKey, unknown> & {
  caller?: Caller;
  unwatch?: () => void;
};

type Connection = Context<Record<string, unknown>, Extra & Held>;

/** Prepared subscriptions and plain operations travel through graphql-ws as its execution arguments. */
interface Arguments {
  readonly prepared: PreparedSubscription;
}

/**
 * graphql-ws on the HTTP server's own port, at /graphql. Credentials come in connectionInit's payload (`Authorization`) or in the upgrade's headers.
 */
export function attachWebSockets(server: Server, options: { graph: Graph; authenticate: Authentication; log: Logger }): WebSockets {
  const { graph, authenticate, log } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD });

  const protocol = useServer<Record<string, unknown>, Held>(
    {
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      onConnect: async (connection: Connection) => {
        const { request, socket } = connection.extra;
        const { Authorization, authorization } = (connection.connectionParams ?? {}) as Record<string, unknown>;
        const header = String(Authorization ?? authorization ?? request.headers.authorization ?? '');
        const headers = { get: (name: string) => (name.toLowerCase() === 'authorization' ? header : null) };
        const caller = await authenticate({ headers }, { remoteAddress: request.socket.remoteAddress });
        if (isRefusal(caller)) return false;
        connection.extra.caller = caller;
        connection.extra.unwatch = graph.watch(caller, () => socket.close(4403, 'Forbidden'));
        return true;
      },
      onSubscribe: async (connection: Connection, _id: string, payload: SubscribePayload) => {
        const prepared = graph.prepare(connection.extra.caller as Caller, payload);
        if ('errors' in prepared) return prepared.errors as never;
        return { schema: prepared.schema, document: prepared.document, operationName: prepared.operationName, prepared } as never;
      },
      execute: (args) => graph.execute((args as unknown as Arguments).prepared),
      subscribe: (args) => subscribeSpliced((args as unknown as Arguments).prepared),
      onDisconnect: (connection: Connection) => connection.extra.unwatch?.(),
      onClose: (connection: Connection) => connection.extra.unwatch?.(),
    },
    sockets as never,
  );

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/graphql') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    socket.on('error', (error) => log.debug({ err: error }, 'a socket failed while it was upgraded'));
    sockets.handleUpgrade(request, socket, head, (client) => {
      splice(client);
      sockets.emit('connection', client, request);
    });
  };
  server.on('upgrade', upgrade);

  return {
    goAway: () => {
      for (const client of sockets.clients) client.close(GOING_AWAY, 'Going away');
    },
    dispose: async () => {
      server.off('upgrade', upgrade);
      for (const client of sockets.clients) if (client.readyState !== WebSocket.CLOSED) client.terminate();
      await protocol.dispose();
    },
  };
}

/**
 * Answers that are serialized already, by the number that stands for them. graphql-ws serializes every message itself: it is given the number, and
 * the text takes its place on the way out.
 */
const texts = new Map<number, string>();
let count = 0;
const PLACEHOLDER = /"payload":\{"\$rendered":(\d+)\}/;

async function subscribeSpliced(prepared: PreparedSubscription): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const outcome = await subscribeRendered(prepared);
  if ('errors' in outcome) return { errors: [...outcome.errors] };
  return spliced(outcome, prepared);
}

function spliced(updates: AsyncIterableIterator<Rendered>, { maskError }: PreparedSubscription): AsyncIterableIterator<ExecutionResult> {
  let number = 0;
  return {
    next: async () => {
      texts.delete(number);
      try {
        const { done, value } = await updates.next();
        if (done) return { done, value: undefined };
        count += 1;
        number = count;
        texts.set(number, value.json);
        return { done: false, value: { $rendered: number } as ExecutionResult };
      } catch (error) {
        await updates.return?.();
        return { done: false, value: { errors: [maskError(error)] } };
      }
    },
    return: async () => {
      texts.delete(number);
      await updates.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function splice(client: WebSocket): void {
  const send = client.send.bind(client) as (data: unknown, callback?: (error?: Error) => void) => void;
  client.send = ((data: unknown, callback?: (error?: Error) => void) => {
    const text = typeof data === 'string' ? data.replace(PLACEHOLDER, (_match, number) => `"payload":${texts.get(Number(number))}`) : data;
    send(text, callback);
  }) as typeof client.send;
}
