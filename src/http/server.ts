import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServerAdapter } from '@whatwg-node/server';

/** What answers requests: the app. `remoteAddress` is the connection's, not a header's. */
export type Fetch = (request: Request, peer: { remoteAddress?: string }) => Response | Promise<Response>;

/** The address can't be listened on: taken, not allowed, or not this machine's. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface Listener {
  /** For links and messages: http://host:port, where a wildcard host reads localhost. */
  readonly url: string;
  readonly port: number;
  /** The node server, for whoever upgrades connections. */
  readonly server: Server;
  /**
   * Stops accepting, lets the requests in flight finish for up to `grace` ms, then cuts what is left. Idle keep-alive
   * connections close at once.
   * @returns whether every request got its answer
   */
  drain(grace: number): Promise<boolean>;
}

/** Longer than the 60 s of common load balancers, which must not reuse a connection that is just being closed. */
const KEEP_ALIVE = 65_000;

/** Serves `fetch` on node:http. @throws ListenError */
export async function listen(fetch: Fetch, { host, port }: { host: string; port: number }): Promise<Listener> {
  const adapter = createServerAdapter<{ req: IncomingMessage }>((request, { req }) =>
    fetch(request, { remoteAddress: req.socket.remoteAddress }),
  );
  let draining = false;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE, requestTimeout: 60_000 }, (request, response) => {
    if (draining) response.shouldKeepAlive = false;
    response.on('close', () => {
      if (draining) server.closeIdleConnections();
    });
    adapter(request, response);
  });
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

function displayed(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
