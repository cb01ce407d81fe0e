import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServerAdapter } from '@whatwg-node/server';
import { continueOnRead } from './expect-continue.ts';
import { NodeRequest } from './node-request.ts';
import { readTarget } from './request-target.ts';
import { Outlet, StreamResponse } from './stream-response.ts';
import { type AnyResponse, TextResponse } from './text-response.ts';
import { createAddressOf, type TrustProxy } from './trusted-proxies.ts';
import { refuseRequest, refuseUnreadable } from './unreadable.ts';
import { UpgradeRequest, upgradesAt } from './upgrade-request.ts';

/** The other end of a connection. */
export interface Peer {
  /** The client's address, taken from a proxy's header only if that proxy is trusted. */
  readonly remoteAddress?: string;
  /** The address of the connection itself, whatever headers say. */
  readonly socketAddress?: string;
}

/** Handles a request, as the app does. */
export type HandleRequest = (request: Request, peer: Peer) => Response | Promise<Response>;

/** Handles some requests without a Request. */
export interface Direct {
  readonly takes: (request: NodeRequest) => boolean;
  readonly fetch: (request: NodeRequest, peer: Peer) => Promise<AnyResponse>;
}

/** The server cannot listen: the port is in use or not permitted, or the address is not one of this machine. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** The address of a request's or an upgrade's client. */
export type AddressOfRequest = (request: IncomingMessage) => string | undefined;

export interface Listener {
  /** `http://host:port`, for links and log lines; a wildcard host is shown as localhost. */
  readonly url: string;
  readonly port: number;
  /** For `upgrade` events. */
  readonly server: Server;
  readonly addressOf: AddressOfRequest;
  /**
   * Stops accepting connections and closes idle ones, waits for the requests in flight, then closes every connection. One that has sent nothing yet is
   * waited for half a second: browsers and clients open some in advance.
   * @param grace how long to wait, in ms
   * @returns whether every request was answered
   */
  drain(grace: number): Promise<boolean>;
}

/** In ms. Longer than the 60 s of common load balancers, which would otherwise reuse a connection as it closes. */
const KEEP_ALIVE = 65_000;

/** How long a drain waits for a connection that has not sent a byte, in ms. node does not count such connections as idle. */
const SILENT_MS = 500;

/** node's own limits on a connection: a slow request gets 408, one with too large headers 431. */
export type ConnectionLimits = Required<
  Pick<ServerOptions, 'headersTimeout' | 'requestTimeout' | 'maxHeaderSize' | 'connectionsCheckingInterval'>
>;

const CONNECTION_LIMITS: ConnectionLimits = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  maxHeaderSize: 16 * 1024,
  connectionsCheckingInterval: 5000,
};

interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly connectionLimits?: Partial<ConnectionLimits>;
  readonly trustProxy?: TrustProxy;
  readonly direct?: Direct;
  /** Where an `upgrade` event may be emitted; anywhere if left out. */
  readonly socketPath?: string;
}

/**
 * Serves `fetch` over node:http. Requests that are not HTTP, or have no valid target, never reach it.
 * @throws ListenError
 */
export async function listen(
  fetch: HandleRequest,
  { host, port, connectionLimits = {}, trustProxy, direct, socketPath }: ListenOptions,
): Promise<Listener> {
  const clientOf = createAddressOf(trustProxy);
  const addressOf = ({ socket, headers }: IncomingMessage) => clientOf(socket.remoteAddress, headers['x-forwarded-for']?.toString());
  const peerOf = (request: IncomingMessage): Peer => ({ remoteAddress: addressOf(request), socketAddress: request.socket.remoteAddress });
  const adapter = createServerAdapter<{ req: IncomingMessage }>((request, { req }) => fetch(request, peerOf(req)));
  let isDraining = false;
  const server = createServer(
    // `readTarget` demands a Host: node's own refusal has no body.
    {
      IncomingMessage: socketPath === undefined ? UpgradeRequest : upgradesAt(socketPath),
      ...{ requireHostHeader: false, keepAliveTimeout: KEEP_ALIVE, ...CONNECTION_LIMITS, ...connectionLimits },
    },
    (request, response) => {
      if (!readTarget(request)) return refuseRequest(response, 400);
      if (isDraining || request.wantsUpgrade) response.shouldKeepAlive = false;
      response.on('close', () => {
        if (isDraining) server.closeIdleConnections();
      });
      const nodeRequest = direct && new NodeRequest(request);
      if (nodeRequest && direct.takes(nodeRequest)) void respondDirectly(direct.fetch, nodeRequest, peerOf(request), response);
      else adapter(request, response);
    },
  );
  refuseUnreadable(server);
  server.on('checkContinue', (request: UpgradeRequest, response: ServerResponse) => {
    continueOnRead(request, response, () => !isDraining && !request.wantsUpgrade);
    server.emit('request', request, response);
  });
  const connections = connectionsOf(server);
  const { port: bound } = await bind(server, host, port);
  return {
    url: `http://${hostInUrl(host)}:${bound}`,
    port: bound,
    server,
    addressOf,
    drain: async (grace) => {
      isDraining = true;
      const isComplete = await closeWithin(server, connections, grace);
      await adapter.dispose();
      return isComplete;
    },
  };
}

async function bind(server: Server, host: string, port: number): Promise<AddressInfo> {
  server.listen(port, host);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'EADDRINUSE' ? 'the port is already in use; set another PORT' : error.message;
    throw new ListenError(`Cannot listen on ${host}:${port} (HOST, PORT): ${reason}`, { cause: error });
  });
  return server.address() as AddressInfo;
}

/** The connections that are open at present. */
function connectionsOf(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return open;
}

/** @returns whether the server closed within `ms` without cutting off a request */
async function closeWithin(server: Server, connections: ReadonlySet<Socket>, ms: number): Promise<boolean> {
  let isComplete = true;
  const closed = once(server, 'close');
  server.close();
  const silent = setTimeout(() => {
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  }, SILENT_MS);
  const timer = setTimeout(() => {
    isComplete = false;
    server.closeAllConnections();
  }, ms);
  await closed;
  clearTimeout(silent);
  clearTimeout(timer);
  return isComplete;
}

/** Writes the response as one buffer or, if it is a stream, has it send itself. */
async function respondDirectly(fetch: Direct['fetch'], request: NodeRequest, peer: Peer, outgoing: ServerResponse): Promise<void> {
  try {
    const response = await fetch(request, peer);
    if (response instanceof StreamResponse) {
      outgoing.writeHead(response.status, response.headers.all);
      return response.body.begin(new Outlet(outgoing));
    }
    const content = response instanceof TextResponse ? response.content : Buffer.from(await response.arrayBuffer());
    const headers: OutgoingHttpHeaders = response instanceof TextResponse ? response.headers.all : Object.fromEntries(response.headers);
    if (content !== null) headers['content-length'] = Buffer.byteLength(content);
    outgoing.writeHead(response.status, headers).end(content ?? undefined);
  } catch {
    // The app handles its own errors: here the connection was lost.
    outgoing.destroy();
  }
}

function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
