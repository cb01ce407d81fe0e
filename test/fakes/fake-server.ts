import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A request as it arrived, and what became of it. */
export interface FakeRequest<Route extends string = string> {
  readonly route: Route;
  readonly method: string;
  /** As sent, with its query, still encoded. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Unset while it waits, and where it was not answered whole. */
  status?: number;
}

export interface FakeAnswer {
  readonly status: number;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Something that goes wrong with the next requests of a route. */
export interface Fault {
  /** How many requests; 1 unless said. */
  readonly times?: number;
  /** Which requests; all of the route unless said. */
  readonly when?: (request: FakeRequest) => boolean;
  /** Waits first, in ms. */
  readonly delayMs?: number;
  /** Answers this, and does nothing. */
  readonly answer?: FakeAnswer;
  /** Does what it is asked for, then answers this. */
  readonly answerAfter?: FakeAnswer;
  /** Breaks the connection: before the request is done, after it with no answer, or in the middle of the answer's body. */
  readonly reset?: 'before' | 'after' | 'within';
}

/** A request that waits, undone, until it is released. */
export interface Hold<Route extends string> {
  readonly arrived: Promise<FakeRequest<Route>>;
  release(): void;
}

export interface FakeServer<Route extends string> {
  readonly url: string;
  /** All that arrived, in order. */
  readonly requests: readonly FakeRequest<Route>[];
  fault(route: Route, fault: Fault): void;
  hold(route: Route): Hold<Route>;
  /** Takes back what `fault` still has to do. */
  heal(): void;
  /** Waits until `happened` gives something. It is asked whenever a request arrived or was answered. Fails after `timeoutMs`. */
  until<T>(happened: () => T | undefined | false, timeoutMs?: number): Promise<T>;
  close(): Promise<void>;
}

interface Pending {
  readonly fault: Fault;
  left: number;
}

/**
 * A platform on 127.0.0.1 that speaks real HTTP.
 *
 * @param routeOf names a request's route; `undefined` is answered 404
 * @param handle does what the platform would do
 */
export async function startFakeServer<Route extends string>(
  routeOf: (method: string, path: string) => Route | undefined,
  handle: (request: FakeRequest<Route>) => FakeAnswer | Promise<FakeAnswer>,
): Promise<FakeServer<Route>> {
  const requests: FakeRequest<Route>[] = [];
  const faults = new Map<Route, Pending[]>();
  const holds = new Map<Route, ((request: FakeRequest<Route>) => Promise<void>)[]>();
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };

  function nextFault(request: FakeRequest<Route>): Fault {
    const pending = faults.get(request.route)?.find(({ left, fault: { when } }) => left > 0 && (!when || when(request)));
    if (pending) pending.left--;
    return pending?.fault ?? {};
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method = '', url: path = '', headers } = incoming;
    const route = routeOf(method, path);
    if (route === undefined) return write(response, { status: 404 });
    const request: FakeRequest<Route> = { route, method, path, headers, body: Buffer.concat(chunks).toString('utf8') };
    requests.push(request);
    const fault = nextFault(request);
    const held = holds.get(route)?.shift()?.(request);
    changed();
    await held;
    if (fault.delayMs) await delay(fault.delayMs);
    if (fault.reset === 'before') return void response.destroy();
    const handled = fault.answer ?? (await handle(request));
    const answer = fault.answerAfter ?? handled;
    if (fault.reset === 'after') response.destroy();
    else if (fault.reset === 'within') await writeHalf(response, answer);
    else {
      request.status = answer.status;
      await write(response, answer);
      if (!response.writableFinished) request.status = undefined;
    }
    changed();
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fault: (route, fault) => {
      faults.set(route, [...(faults.get(route) ?? []), { fault, left: fault.times ?? 1 }]);
    },
    heal: () => faults.clear(),
    hold: (route) => {
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const arrived = new Promise<FakeRequest<Route>>((resolve) => {
        const held = (request: FakeRequest<Route>) => {
          resolve(request);
          return released;
        };
        holds.set(route, [...(holds.get(route) ?? []), held]);
      });
      return { arrived, release };
    },
    until: (happened, timeoutMs = 30_000) =>
      new Promise((resolve, reject) => {
        const finish = (settle: () => void) => {
          clearTimeout(timer);
          watchers.delete(look);
          settle();
        };
        const look = () => {
          try {
            const value = happened();
            if (value !== undefined && value !== false) finish(() => resolve(value));
          } catch (error) {
            finish(() => reject(error));
          }
        };
        const timer = setTimeout(() => finish(() => reject(new Error(`Did not happen within ${timeoutMs} ms: ${happened}`))), timeoutMs);
        watchers.add(look);
        look();
      }),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function write(response: ServerResponse, { status, body, text, headers }: FakeAnswer): Promise<void> {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end(text ?? (body === undefined ? undefined : JSON.stringify(body)), resolve);
  });
}

async function writeHalf(response: ServerResponse, { status, body, headers }: FakeAnswer): Promise<void> {
  const text = JSON.stringify(body ?? null);
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': text.length, ...headers });
  await new Promise((resolve) => response.write(text.slice(0, text.length / 2), resolve));
  response.destroy();
}
