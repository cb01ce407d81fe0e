import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Listener, listen } from '../../src/server/server.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let provider: Provider;
let listener: Listener;
beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  listener = await listen(gateway.app.fetch, { host: '127.0.0.1', port: 0, direct: gateway.app.direct });
});
afterAll(async () => {
  await listener.drain(0);
  await gateway.close();
});

/** Sends the head of a request, and its body after 100 Continue. @returns everything that the gateway sends until it responds or closes */
async function ask(
  path: string,
  {
    authToken = provider.authToken,
    length = 0,
    body = '',
    type = 'application/json',
    method = 'POST',
    port = listener.port,
    headers = [] as string[],
  },
) {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  const authorization = Buffer.from(`${provider.accountSid}:${authToken}`).toString('base64');
  const head = [`${method} ${path} HTTP/1.1`, 'Host: h', `Authorization: Basic ${authorization}`, `Content-Type: ${type}`];
  socket.write([...head, `Content-Length: ${length || body.length}`, 'Expect: 100-continue', ...headers, '', ''].join('\r\n'));
  let answer = '';
  let isSent = false;
  socket.on('data', (data) => {
    answer += data;
    if (!isSent && answer.startsWith('HTTP/1.1 100 ')) {
      isSent = true;
      socket.write(body);
    }
    if (/\r\n\r\n.*HTTP\/1.1 \d+ [\s\S]*\r\n\r\n/s.test(answer) && isSent) socket.end();
  });
  await once(socket, 'close');
  return answer;
}

const QUERY = '{"query":"{ viewer { account { sid } } }"}';

test.each([
  ['/graphql', { authToken: 'wrong', body: QUERY }, 401],
  ['/msteams/enterprises', { authToken: 'wrong', body: '{}' }, 401],
  ['/imports/none', { authToken: 'wrong', body: 'a', method: 'PUT' }, 404],
  ['/webhooks/restcomm/none/sms', { body: 'a=b', type: 'application/x-www-form-urlencoded' }, 404],
  ['/graphql', { body: QUERY, type: 'text/plain' }, 415],
  ['/graphql', { length: 2_000_000 }, 413],
  ['/msteams/enterprises', { length: 2_000_000 }, 413],
  ['/msteams/enterprises', { length: 20_000_000 }, 413],
  ['/nowhere', { body: 'a' }, 404],
])('a request to %s with %j is refused without 100 Continue, and its connection closes', async (path, request, status) => {
  const answer = await ask(path, request);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toMatch(/\r\nconnection: close\r\n/i);
});

test.each([
  ['/graphql', { body: QUERY }, 200],
  ['/msteams/enterprises', { body: '{"name":"x"}' }, 400],
  ['/graphql', { body: '{"query":"' }, 400],
])('a request to %s with %j gets 100 Continue, and its connection stays open', async (path, request, status) => {
  const answer = await ask(path, request);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ${status} `));
  expect(answer).not.toMatch(/\r\nconnection: close\r\n/i);
});

test('a response to a client that sends Connection: close has that header, too', async () => {
  const answer = await ask('/graphql', { body: QUERY, headers: ['Connection: close'] });
  expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
  expect(answer).toMatch(/\r\nconnection: close\r\n/i);
});

test('nothing that follows a refused request on its connection is answered', async () => {
  const socket = connect(listener.port, '127.0.0.1').setEncoding('latin1');
  const inner = 'GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n';
  const head = ['POST /graphql HTTP/1.1', 'Host: h', 'Content-Type: application/json', `Content-Length: ${inner.length}`];
  socket.write([...head, 'Expect: 100-continue', '', inner + inner].join('\r\n'));
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  await once(socket, 'close');
  expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 401']);
});

test('a request whose body is read as a stream gets 100 Continue, too', async () => {
  const read = async ({ body }: Request) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
    return new Response(Buffer.concat(chunks));
  };
  const own = await listen(read, { host: '127.0.0.1', port: 0 });
  const answer = await ask('/upload', { body: 'as it came', port: own.port }).finally(() => own.drain(0));
  expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 [\s\S]*as it came/);
});
