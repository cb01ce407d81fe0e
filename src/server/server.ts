import { once } from 'node:events';
import { createServer, IncomingMessage, type OutgoingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServerAdapter } from '@whatwg-node/server';
import { NodeRequest } from './node-request.ts';
import { type AnyResponse, TextResponse } from './text-response.ts';
import { createAddressOf, type TrustProxy } from './trusted-proxies.ts';
import { refuseRequest, refuseUnreadable } from './unreadable.ts';

/** What answers requests: the app. `remoteAddress` is the client's, as far as a proxy is trusted to tell it. */
export type Fetch = (request: Request, peer: { remoteAddress?: string }) => Response | Promise<Response>;

/** What answers some requests without a Request made for them. */
export interface Direct {
  readonly takes: (request: NodeRequest) => boolean;
  readonly fetch: (request: NodeRequest, peer: { remoteAddress?: string }) => Promise<AnyResponse>;
}

/** The address can't be listened on: taken, not allowed, or not this machine's. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Whence a request, or an upgrade, comes. */
export type AddressOfRequest = (request: IncomingMessage) => string | undefined;

export interface Listener {
  /** For links and messages: http://host:port, where a wildcard host reads localhost. */
  readonly url: string;
  readonly port: number;
  /** The node server, for whoever upgrades connections. */
  readonly server: Server;
  /** The client's address, as requests have it. */
  readonly addressOf: AddressOfRequest;
  /**
   * Stops accepting, lets the requests in flight finish for up to `grace` ms, then cuts what is left. Idle keep-alive
   * connections close at once.
   * @returns whether every request got its answer
   */
  drain(grace: number): Promise<boolean>;
}

/** Longer than the 60 s of common load balancers, which must not reuse a connection that is just being closed. */
const KEEP_ALIVE = 65_000;

/** How long a client may take to say what it wants, and how much. */
export interface Patience {
  /** From the connection, or the request before, to the last header, in ms. Who takes longer gets 408. */
  readonly headersTimeout: number;
  /** To the last byte of the body, in ms. Who takes longer gets 408. */
  readonly requestTimeout: number;
  /** Of all headers and the request line, in bytes. Who sends more gets 431. */
  readonly maxHeaderSize: number;
  /** How often connections are looked at, in ms. */
  readonly connectionsCheckingInterval: number;
}

const PATIENCE: Patience = { headersTimeout: 15_000, requestTimeout: 60_000, maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 5000 };

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly patience?: Partial<Patience>;
  readonly trustProxy?: TrustProxy;
  readonly direct?: Direct;
}

/**
 * A request that wants another protocol than WebSocket is one like all others (RFC 9110, 7.8): clients that would rather speak HTTP/2 ask for that
 * with their first. node takes it for an upgrade where this says so.
 */
class HttpRequest extends IncomingMessage {
  declare upgrade: boolean | null;
  /** What node has read. What came behind such a request, it drops. */
  wantsUpgrade?: boolean | null;
}
Object.defineProperty(HttpRequest.prototype, 'upgrade', {
  get(this: HttpRequest) {
    return this.wantsUpgrade && /^websocket$/i.test(this.headers.upgrade ?? '');
  },
  set(this: HttpRequest, value: boolean | null) {
    this.wantsUpgrade = value;
  },
});

/** Serves `fetch` on node:http. What is no HTTP, or has no address, is refused by this room, and its connection closed. @throws ListenError */
export async function listen(fetch: Fetch, { host, port, patience = PATIENCE, trustProxy, direct }: ListenOptions): Promise<Listener> {
  const clientOf = createAddressOf(trustProxy);
  const addressOf = ({ socket, headers }: IncomingMessage) => clientOf(socket.remoteAddress, headers['x-forwarded-for']?.toString());
  const adapter = createServerAdapter<{ req: IncomingMessage }>((request, { req }) => fetch(request, { remoteAddress: addressOf(req) }));
  let draining = false;
  const server = createServer(
    { IncomingMessage: HttpRequest, keepAliveTimeout: KEEP_ALIVE, ...PATIENCE, ...patience },
    (request, response) => {
      if (!hasAddress(request)) return refuseRequest(response, 400);
      if (draining || request.wantsUpgrade) response.shouldKeepAlive = false;
      response.on('close', () => {
        if (draining) server.closeIdleConnections();
      });
      const asked = direct && new NodeRequest(request);
      if (asked && direct.takes(asked)) void answerDirectly(direct.fetch, asked, addressOf(request), response);
      else adapter(request, response);
    },
  );
  refuseUnreadable(server);
  server.listen(port, host);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'EADDRINUSE' ? 'something else listens there; set another PORT' : error.message;
    throw new ListenError(`Can't listen on ${host}:${port} (HOST, PORT): ${reason}`, { cause: error });
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${displayed(host)}:${bound}`,
    port: bound,
    server,
    addressOf,
    drain: async (grace) => {
      draining = true;
      let complete = true;
      const closed = once(server, 'close');
      server.close();
      const cut = setTimeout(() => {
        complete = false;
        server.closeAllConnections();
      }, grace);
      await closed;
      clearTimeout(cut);
      await adapter.dispose();
      return complete;
    },
  };
}

/** A name or an address, and a port. More than that would be read as a part of the path, behind whatever has looked at the path before. */
const HOST = /^([\w.~-]+|\[[\da-f:.]+\])(:\d+)?$/i;

/** Do the one Host header and the request's target make a URL (RFC 9112, 3.2)? The target must be a path: this is no proxy. */
function hasAddress({ headers: { host = 'localhost' }, rawHeaders, url = '' }: IncomingMessage): boolean {
  let hosts = 0;
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1) return false;
  if (host === usual && url === '/graphql') return true;
  if (!url.startsWith('/') || !HOST.test(host) || !URL.canParse(`http://${host}${url}`)) return false;
  usual = host;
  return true;
}

/** The host that was good last: most requests have the same. */
let usual: string | undefined;

/** Writes an answer without the detour by a stream. */
async function answerDirectly(
  fetch: Direct['fetch'],
  request: NodeRequest,
  remoteAddress: string | undefined,
  response: ServerResponse,
): Promise<void> {
  try {
    const answer = await fetch(request, { remoteAddress });
    const content = answer instanceof TextResponse ? answer.content : Buffer.from(await answer.arrayBuffer());
    const headers: OutgoingHttpHeaders = answer instanceof TextResponse ? answer.headers.all : Object.fromEntries(answer.headers);
    if (content !== null) headers['content-length'] = Buffer.byteLength(content);
    response.writeHead(answer.status, headers).end(content ?? undefined);
  } catch {
    // The app tells its own errors. Here the connection broke while the body was read.
    response.destroy();
  }
}

function displayed(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
