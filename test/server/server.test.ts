import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { health } from '../../src/server/health.ts';
import { type ConnectionLimits, type HandleRequest, ListenError, type Listener, listen } from '../../src/server/server.ts';

const HOST = '127.0.0.1';
const listeners: Listener[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(listeners.splice(0).map((listener) => listener.drain(0)));
});

async function serve(fetch: HandleRequest, connectionLimits?: Partial<ConnectionLimits>): Promise<Listener> {
  const listener = await listen(fetch, { host: HOST, port: 0, connectionLimits });
  listeners.push(listener);
  return listener;
}

/** A handler that answers when it is let, and the moment at which a request has reached it. */
function gated(): { fetch: HandleRequest; reached: Promise<void>; open: () => void } {
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

test('a request reaches the handler complete, with the address of the connection', async () => {
  const { url } = await serve(async (request, peer) =>
    Response.json({ method: request.method, path: new URL(request.url).pathname, body: await request.text(), peer }),
  );
  const response = await fetch(`${url}/a/b?c=d`, { method: 'PUT', body: 'text' });
  expect(await response.json()).toEqual({ method: 'PUT', path: '/a/b', body: 'text', peer: { remoteAddress: HOST, socketAddress: HOST } });
});

test('a drain lets the request in flight finish, then closes its connection, and accepts no other', async () => {
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

test('a drain does not wait for a connection that sends nothing, but for a request that has begun', async () => {
  const listener = await serve(async (request) => new Response(await request.text()));
  const silent = connect(listener.port, HOST);
  const slow = connect(listener.port, HOST);
  sockets.push(silent.resume(), slow);
  slow.write('POST / HTTP/1.1\r\nHost: a\r\n');
  for (const _one of [silent, slow]) await once(listener.server, 'connection');
  const drained = listener.drain(60_000);
  await once(silent, 'close');
  slow.write('Content-Length: 4\r\n\r\nbody');
  const [answer] = await once(slow, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1.1 200 /);
  expect(await drained).toBe(true);
});

test('a drain cuts requests that outlast the grace period, and reports it', async () => {
  const { fetch: handler, reached, open } = gated();
  const listener = await serve(handler);
  const answer = fetch(listener.url).catch(() => 'cut');
  await reached;
  expect(await listener.drain(20)).toBe(false);
  expect(await answer).toBe('cut');
  open();
});

test('a port in use is named', async () => {
  const { port } = await serve(() => new Response());
  const second = listen(() => new Response(), { host: HOST, port });
  await expect(second).rejects.toThrow(ListenError);
  await expect(second).rejects.toThrow(`Cannot listen on ${HOST}:${port} (HOST, PORT): the port is already in use`);
});

/** All that a connection answers to this, until it is closed. */
async function answerTo(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, HOST);
  sockets.push(socket);
  for (const part of parts) socket.write(part);
  let text = '';
  for await (const data of socket) text += data;
  return text;
}

const IMPATIENT: Partial<ConnectionLimits> = { headersTimeout: 150, requestTimeout: 300, connectionsCheckingInterval: 20 };

test('a client that does not finish its headers or its body, or sends nothing, gets 408 or nothing, and is disconnected', async () => {
  const { port, url } = await serve(async (request) => new Response(await request.text()), IMPATIENT);
  const [headers, body, silent] = await Promise.all([
    answerTo(port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '),
    answerTo(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345'),
    answerTo(port),
  ]);
  expect(headers).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(body).toMatch(/^(HTTP\/1\.1 408 Request Timeout\r\n|$)/);
  expect(silent).toMatch(/^(HTTP\/1\.1 408 Request Timeout\r\n|$)/);
  expect(await (await fetch(url, { method: 'POST', body: 'quick' })).text()).toBe('quick');
});

test('headers of more than 16 KiB get 431', async () => {
  const { port } = await serve(() => new Response('answered'));
  const answer = await answerTo(port, `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(17 * 1024)}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
});

test('input that is not HTTP gets 400, its connection is closed, and the next request is served', async () => {
  const { port, url } = await serve(() => new Response('answered'));
  const malformed = [
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
    'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nX-Bad\0: y\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]),
  ];
  for (const text of malformed) expect(await answerTo(port, text)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(await (await fetch(url)).text()).toBe('answered');
});

test.each(['general', 'fast'])('an invalid Host or target gets 400 on the %s path, and the process keeps running', async (way) => {
  const fetch: HandleRequest = (request) => new Response(new URL(request.url).pathname);
  const direct = { takes: ({ url }: { url: string }) => URL.canParse(new URL(url).href), fetch: async () => new Response('answered') };
  const listener = await listen(fetch, { host: HOST, port: 0, direct: way === 'fast' ? direct : undefined });
  listeners.push(listener);
  const hosts = ['', 'a b', '[', 'x:99999', 'x/y?z#', 'user@x', `x${HOST}:1, y`, '%zz'];
  const targets = ['*', 'ftp://x/', 'http://', 'http://user@x/', 'http://x:99999/', 'x'].map(
    (target) => `OPTIONS ${target} HTTP/1.1\r\nHost: x:80\r\n\r\n`,
  );
  for (const sent of [...hosts.map((host) => `GET /a HTTP/1.1\r\nHost: ${host}\r\n\r\n`), ...targets]) {
    expect(await answerTo(listener.port, sent)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  }
  const right = await answerTo(listener.port, 'GET /a HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n');
  expect(right).toMatch(/^HTTP\/1\.1 200 /);
});

test.each(['general', 'fast'])(
  'a target with a host, and a path with encoded letters, lead to the same path on the %s path',
  async (way) => {
    const told = (url: string) => new Response(url);
    const direct = { takes: () => true, fetch: async ({ url }: { url: string }) => told(url) };
    const listener = await listen(({ url }) => told(url), { host: HOST, port: 0, direct: way === 'fast' ? direct : undefined });
    listeners.push(listener);
    const cases: [string, string][] = [
      ['GET http://y:81/a?b=%41 HTTP/1.1\r\nHost: x', 'http://y:81/a?b=%41'],
      ['GET HTTP://y HTTP/1.1\r\nHost: x', 'http://y/'],
      ['GET http://y?q HTTP/1.1\r\nHost: x', 'http://y/?q'],
      ['GET /%61%5F%7e%2Fb HTTP/1.1\r\nHost: x', 'http://x/a_~%2Fb'],
      ['GET /%e4%41 HTTP/1.1\r\nHost: x', 'http://x/%e4A'],
    ];
    for (const [head, url] of cases) {
      const answer = await answerTo(listener.port, `${head}\r\nConnection: close\r\n\r\n`);
      expect(answer, head).toContain(url);
    }
  },
);

const get = (path: string, method = 'GET') => new Request(`http://gateway${path}`, { method });

test('liveness does not query the database', async () => {
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

test('health accepts only GET and HEAD, and has no other paths', async () => {
  const head = await health(get('/health/ready', 'HEAD'), () => true);
  expect([head.status, await head.text()]).toEqual([200, '']);
  const post = await health(get('/health/live', 'POST'), () => true);
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  expect((await health(get('/health/other'), () => true)).status).toBe(404);
});

/** What a server writes to these bytes until it closes the connection, or its answer's body has ended. */
async function written(port: number, bytes: string, until: RegExp): Promise<string> {
  const socket = connect(port, HOST);
  sockets.push(socket);
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  socket.write(bytes);
  await expect.poll(() => text, { timeout: 10_000 }).toMatch(until);
  return text;
}

test.each([
  ['a header section above 16 KiB', 431, `GET /a HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`],
  ['input that is not HTTP', 400, 'nothing\r\n\r\n'],
  ['a NUL in a header', 400, 'GET /a HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n'],
  ['a target that is no path of HTTP', 400, 'GET ftp://h/a HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['a request without Host', 400, 'GET /a HTTP/1.1\r\n\r\n'],
  ['an absolute target without Host', 400, 'GET http://h/a HTTP/1.1\r\n\r\n'],
  ['a method that nobody knows', 501, 'BREW /a HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['the first packet of a request whose method nobody knows', 501, 'FOO /mste'],
  ['the beginning of a method that nobody knows', 501, 'FO'],
  ['two hosts', 400, 'GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n'],
  ['an invalid chunk', 400, 'POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nnothing\r\n'],
  [
    'a chunk with an endless extension',
    413,
    `POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;x=${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`,
  ],
])('%s is refused with %s, in the form of both faces', async (_what, status, bytes) => {
  const { port } = await serve(async (request) => new Response(await request.text()));
  const answer = await written(port, bytes, /\}$/);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(JSON.parse(answer.slice(answer.indexOf('{')))).toEqual({
    errorCode: String(status),
    message: expect.any(String),
    errors: [{ message: expect.any(String), extensions: { code: expect.stringMatching(/^[A-Z_]+$/) } }],
  });
});

test('a request to upgrade to another protocol than WebSocket is served normally, and its connection is then closed', async () => {
  const { port, server } = await serve(async (request) => new Response(`${request.method}: ${await request.text()};`));
  // As for WebSockets.
  server.on('upgrade', (_request, socket) => socket.end('taken over'));
  const wish = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
  const post = `POST /a HTTP/1.1\r\nHost: h\r\n${wish}Content-Length: 4\r\n\r\nbody`;
  const get = `GET /a HTTP/1.1\r\nHost: h\r\n${wish}\r\n`;
  expect(await answerTo(port, post)).toMatch(/^HTTP\/1.1 200 [\s\S]*POST: body;/);
  expect(await answerTo(port, get)).toMatch(/^HTTP\/1.1 200 [\s\S]*GET: ;/);
  // node drops what is sent behind it without waiting for the answer; the client is not left waiting.
  expect(await answerTo(port, get + get)).toMatch(/^HTTP\/1.1 200 [\s\S]*GET: ;/);
});

test('an unknown expectation is ignored', async () => {
  const { port } = await serve(async (request) => new Response(`${request.method}: ${await request.text()};`));
  const post = 'POST /a HTTP/1.1\r\nHost: h\r\nExpect: 200-maybe\r\nContent-Length: 4\r\n\r\nbody';
  expect(await written(port, post + post, /POST: body;[\s\S]*POST: body;/)).toMatch(/^HTTP\/1.1 200 /);
});
