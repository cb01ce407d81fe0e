import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { health } from '../../src/http/health.ts';
import { type Fetch, ListenError, type Listener, listen } from '../../src/http/server.ts';

const HOST = '127.0.0.1';
const listeners: Listener[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(listeners.splice(0).map((listener) => listener.drain(0)));
});

async function serve(fetch: Fetch): Promise<Listener> {
  const listener = await listen(fetch, { host: HOST, port: 0 });
  listeners.push(listener);
  return listener;
}

/** A handler that answers when it is let, and the moment at which a request has reached it. */
function gated(): { fetch: Fetch; reached: Promise<void>; open: () => void } {
  let open = () => {};
  let reach = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return {
    reached,
    open: () => open(),
    fetch: async () => {
      reach();
      await opened;
      return new Response('answered');
    },
  };
}

/** A keep-alive connection that has had one answer. */
async function idleConnection(port: number): Promise<Socket> {
  const socket = connect(port, HOST);
  sockets.push(socket);
  socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  await once(socket, 'data');
  return socket;
}

test('a request reaches the handler whole, with the address of the connection', async () => {
  const { url } = await serve(async (request, peer) =>
    Response.json({ method: request.method, path: new URL(request.url).pathname, body: await request.text(), peer }),
  );
  const response = await fetch(`${url}/a/b?c=d`, { method: 'PUT', body: 'text' });
  expect(await response.json()).toEqual({ method: 'PUT', path: '/a/b', body: 'text', peer: { remoteAddress: HOST } });
});

test('a drain lets the request in flight finish, closes its connection after it, and accepts no other', async () => {
  const { fetch: handler, reached, open } = gated();
  const listener = await serve(handler);
  const answer = fetch(listener.url);
  await reached;
  const drained = listener.drain(10_000);
  await expect(fetch(listener.url)).rejects.toThrow();
  open();
  expect(await (await answer).text()).toBe('answered');
  expect(await drained).toBe(true);
});

test('a drain closes idle connections at once', async () => {
  const listener = await serve(() => new Response('answered'));
  const socket = await idleConnection(listener.port);
  const closed = once(socket, 'close');
  expect(await listener.drain(60_000)).toBe(true);
  await closed;
});

test('a drain cuts what outlasts the grace period, and says so', async () => {
  const { fetch: handler, reached, open } = gated();
  const listener = await serve(handler);
  const answer = fetch(listener.url).catch(() => 'cut');
  await reached;
  expect(await listener.drain(20)).toBe(false);
  expect(await answer).toBe('cut');
  open();
});

test('a port that is taken is named', async () => {
  const { port } = await serve(() => new Response());
  const second = listen(() => new Response(), { host: HOST, port });
  await expect(second).rejects.toThrow(ListenError);
  await expect(second).rejects.toThrow(`Can't listen on ${HOST}:${port} (HOST, PORT): something else listens there`);
});

const get = (path: string, method = 'GET') => new Request(`http://gateway${path}`, { method });

test('liveness does not ask the database', async () => {
  const response = await health(get('/health/live'), () => Promise.reject(new Error('asked')));
  expect([response.status, await response.json()]).toEqual([200, { status: 'live' }]);
});

test('readiness is 200 or 503', async () => {
  expect((await health(get('/health/ready'), () => true)).status).toBe(200);
  const unready = await health(get('/health/ready'), () => false);
  expect([unready.status, unready.headers.get('cache-control'), await unready.json()]).toEqual([
    503,
    'no-store',
    { status: 'unavailable' },
  ]);
});

test('health takes GET and HEAD only, and knows no other path', async () => {
  const head = await health(get('/health/ready', 'HEAD'), () => true);
  expect([head.status, await head.text()]).toEqual([200, '']);
  const post = await health(get('/health/live', 'POST'), () => true);
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  expect((await health(get('/health/other'), () => true)).status).toBe(404);
});
