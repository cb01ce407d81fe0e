import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHANGES } from '../../src/admission/fairness.ts';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import { listen } from '../../src/server/server.ts';
import { newMapping } from '../parity/faces.ts';
import { authorizationOf } from '../support/credentials.ts';
import { graphClient } from '../support/graph.ts';
import { createLiveGateway, createSender, type LiveGateway, type Sender } from '../support/live.ts';
import { restClient } from '../support/rest.ts';
import { graphqlWs, MESSAGE_EVENTS, transports } from '../support/transports.ts';
import { credentialsOf, standInRequest } from './logins.ts';

let gateway: LiveGateway;
/** The platform enables a number's SMS once this resolves. */
let answersOfPlatform: Promise<void> = Promise.resolve();
/** How often it was asked to. */
let atPlatform = 0;
let sender: Sender;
beforeAll(async () => {
  const restcomm = createEmbeddedRestcomm();
  const enableSms = async () => {
    atPlatform += 1;
    await answersOfPlatform;
  };
  gateway = await createLiveGateway({ platforms: { restcomm: { ...restcomm, enableSms } } });
  sender = await createSender(gateway, await gateway.provider());
});
afterAll(() => gateway.close());

function hang(): () => void {
  let answer = () => {};
  answersOfPlatform = new Promise((resolve) => {
    answer = resolve;
  });
  return () => answer();
}

const NOBODY = `BE${'0'.repeat(32)}`;
const DELETE = 'mutation ($input: DeleteMappingInput!) { deleteMapping(input: $input) { __typename } }';
const CREATE = 'mutation ($input: CreateMappingInput!) { createMapping(input: $input) { __typename } }';

describe('an operation that takes longer than REQUEST_TIMEOUT', () => {
  const TIMEOUT = { limits: { requestTimeoutMs: 500 } };

  test('gets a 503 in time from both faces, and its change takes effect once the platform has responded', async () => {
    const { fetch } = gateway.another(TIMEOUT);
    const credentials = credentialsOf(sender.provider);
    const answer = hang();
    const inputs = [newMapping(sender.enterpriseSid), newMapping(sender.enterpriseSid)] as const;
    const ofGraph = await graphClient(fetch, credentials)(CREATE, { input: inputs[0] });
    expect([ofGraph.status, ofGraph.data ?? null, ofGraph.errors]).toEqual([
      503,
      null,
      [{ message: expect.stringContaining('took longer than 0.5 s'), extensions: { code: 'TIMEOUT' } }],
    ]);
    const ofRest = await restClient(fetch, credentials).post('/msteams/mappings', inputs[1]);
    expect([ofRest.status, ofRest.body]).toEqual([503, { errorCode: '503', message: expect.stringContaining('took longer than 0.5 s') }]);
    for (const { headers } of [ofGraph, ofRest]) expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    answer();
    for (const { externalAddress } of inputs) {
      await expect
        .poll(() => gateway.database.prisma.mapping.count({ where: { externalAddress: String(externalAddress) } }), { timeout: 5000 })
        .toBe(1);
    }
  });

  test('gets a 503 in time from the stand-ins’ routes too', async () => {
    const { fetch } = gateway.another({ ...TIMEOUT, embedded: { carrier: true, teams: true } });
    const endless = new ReadableStream();
    const response = await fetch(standInRequest(sender.provider, endless));
    expect([response.status, await response.json()]).toEqual([503, { message: expect.stringContaining('took longer than 0.5 s') }]);
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('does not delay the next request of its connection, nor other operations of its WebSocket', async () => {
    const app = gateway.another(TIMEOUT);
    const listener = await listen(app.fetch, { host: '127.0.0.1', port: 0 });
    const sockets = app.attach(listener.server);
    const answer = hang();
    try {
      const body = JSON.stringify({ query: CREATE, variables: { input: newMapping(sender.enterpriseSid) } });
      const socket = connect(listener.port, '127.0.0.1');
      const authorization = authorizationOf(credentialsOf(sender.provider));
      socket.write(
        `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 503 /);
      socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
      let text = '';
      for await (const data of socket) {
        text += data;
        if (text.includes('{"status":"live"}')) break;
      }
      const place = { url: listener.url, provider: sender.provider };
      const { errors } = await graphqlWs.subscribe(place, CREATE, { input: newMapping(sender.enterpriseSid) }).hasEnded();
      expect(errors[0]?.extensions).toEqual({ code: 'TIMEOUT' });
    } finally {
      answer();
      sockets.goAway();
      await listener.drain(1000);
      await sockets.dispose();
    }
  });

  test('is allowed if it is a stream', async () => {
    const app = gateway.another(TIMEOUT);
    const listener = await listen(app.fetch, { host: '127.0.0.1', port: 0 });
    const sockets = app.attach(listener.server);
    try {
      const readers = await Promise.all(
        transports.map(({ subscribe }) =>
          subscribe({ url: listener.url, provider: sender.provider }, MESSAGE_EVENTS, {}).until(({ updates }) => updates.length > 0),
        ),
      );
      // As long as another operation takes until it is refused.
      const answer = hang();
      await graphClient(app.fetch, credentialsOf(sender.provider))(CREATE, { input: newMapping(sender.enterpriseSid) });
      answer();
      const sid = await sender.send();
      for (const reader of readers) {
        expect((await reader.hasEvents(1)).map(({ message }) => message.sid)).toContain(sid);
        reader.close();
      }
    } finally {
      sockets.goAway();
      await listener.drain(1000);
      await sockets.dispose();
    }
  });
});

describe('an account that sends more operations at once than may run', () => {
  test('waits in its own queue, for both faces together, while others are served; beyond the queue, it gets 429', async () => {
    const { fetch } = gateway.another({});
    const flooding = { graph: graphClient(fetch, credentialsOf(sender.provider)), rest: restClient(fetch, credentialsOf(sender.provider)) };
    const other = await gateway.provider();
    const others = { graph: graphClient(fetch, credentialsOf(other)), rest: restClient(fetch, credentialsOf(other)) };
    const answer = hang();
    atPlatform = 0;
    const slow = Array.from({ length: CHANGES.maxRunning }, (_, n) => {
      const input = newMapping(sender.enterpriseSid);
      return n % 2 ? flooding.graph(CREATE, { input }) : flooding.rest.post('/msteams/mappings', input);
    });
    await expect.poll(() => atPlatform, { timeout: 10_000 }).toBe(CHANGES.maxRunning);
    const settled: number[] = [];
    const further = Array.from({ length: CHANGES.maxWaiting + 2 }, async (_, n) => {
      const { status } = await (n % 50
        ? flooding.graph(DELETE, { input: { sid: NOBODY } })
        : flooding.rest.delete(`/msteams/mappings/${NOBODY}`));
      settled.push(status);
      return status;
    });
    await expect.poll(() => settled, { timeout: 20_000 }).toEqual([429, 429]);
    const refused = {
      graph: await flooding.graph(DELETE, { input: { sid: NOBODY } }),
      rest: await flooding.rest.delete(`/msteams/mappings/${NOBODY}`),
    };
    expect([refused.graph.status, refused.graph.errors?.[0]?.extensions]).toEqual([429, { code: 'TOO_MANY_REQUESTS', retryAfter: 1 }]);
    for (const { headers } of [refused.graph, refused.rest]) expect(headers.get('retry-after')).toBe('1');
    expect([refused.rest.status, refused.rest.body]).toEqual([429, { errorCode: '429', message: 'Too Many Requests' }]);
    expect((await flooding.graph('{ viewer { permissions } }')).status).toBe(200);
    for (const face of [others.graph(DELETE, { input: { sid: NOBODY } }), others.graph('{ viewer { permissions } }')])
      expect((await face).status).toBe(200);
    expect((await others.rest.delete(`/msteams/mappings/${NOBODY}`)).status).toBe(409);
    expect((await others.rest.get('/msteams/messages/search')).status).toBe(200);
    expect(settled).toHaveLength(2);
    answer();
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual(slow.map(() => 200));
    expect((await Promise.all(further)).filter((status) => status !== 429)).toHaveLength(CHANGES.maxWaiting);
  });
});
