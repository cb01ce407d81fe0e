import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { authorizationOf } from '../support/credentials.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';
import { graphqlWs, MESSAGE_EVENTS, transports } from '../support/transports.ts';
import { adminOf, credentialsOf, type Login } from './logins.ts';

const SOCKETS = 2;
const SUBSCRIPTIONS = 3;

let gateway: LiveGateway;
beforeAll(async () => {
  gateway = await createLiveGateway({ access: { limits: { socketsPerAccount: SOCKETS, subscriptionsPerAccount: SUBSCRIPTIONS } } });
});
afterAll(() => gateway.close());

describe('open connections of one account', () => {
  test('above MAX_SOCKETS_PER_ACCOUNT are closed with 1013, until one closes', async () => {
    const provider = await gateway.provider();
    const open = async (by: Login) => {
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: authorizationOf(by) } }));
      const outcome = await Promise.race([
        once(socket, 'message').then(([data]) => JSON.parse(String(data)).type),
        once(socket, 'close').then(([code, reason]) => `${code} ${reason}`),
      ]);
      return { socket, outcome };
    };
    const own = credentialsOf(provider);
    const admin = await adminOf(provider);
    const first = await open(own);
    const second = await open(admin);
    expect([first.outcome, second.outcome]).toEqual(['connection_ack', 'connection_ack']);
    for (const login of [own, admin, await adminOf(provider)])
      expect((await open(login)).outcome).toBe('1013 This account already has 2 open WebSockets, the maximum');
    expect((await open(credentialsOf(await gateway.provider()))).outcome).toBe('connection_ack');
    first.socket.close();
    await expect.poll(async () => (await open(own)).outcome, { timeout: 5000 }).toBe('connection_ack');
    second.socket.terminate();
  });

  test('of one enterprise’s admin are at most half of them, and its account has the rest', async () => {
    const provider = await gateway.provider();
    const admin = await adminOf(provider);
    const open = async (by: Login) => {
      const headers = { authorization: authorizationOf(by) };
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
      await once(socket, 'open');
      socket.send('{"type":"connection_init"}');
      const closed = once(socket, 'close').then(([code, reason]) => `${code} ${reason}`);
      return { socket, outcome: await Promise.race([once(socket, 'message').then(() => 'acknowledged'), closed]) };
    };
    const first = await open(admin);
    expect([first.outcome, (await open(admin)).outcome]).toEqual([
      'acknowledged',
      '1013 This enterprise already has 1 open WebSockets, the maximum',
    ]);
    const own = await open(credentialsOf(provider));
    expect(own.outcome).toBe('acknowledged');
    first.socket.close();
    const again = async () => {
      const { socket, outcome } = await open(admin);
      socket.close();
      return outcome;
    };
    await expect.poll(again, { timeout: 5000 }).toBe('acknowledged');
    own.socket.terminate();

    const streams: Response[] = [];
    for (let n = 0; n < SUBSCRIPTIONS; n += 1) {
      const headers = { accept: 'text/event-stream', authorization: authorizationOf(admin) };
      streams.push(await globalThis.fetch(`${gateway.url}/graphql?${new URLSearchParams({ query: MESSAGE_EVENTS })}`, { headers }));
    }
    expect(await streams[2]?.text()).toContain('This enterprise already has 2 open subscriptions, the maximum');
    const reader = graphqlWs.subscribe({ url: gateway.url, provider }, MESSAGE_EVENTS, {});
    await reader.until(({ updates }) => updates.length > 0);
    reader.close();
    for (const stream of streams.slice(0, 2)) await stream.body?.cancel();
  });

  test('above MAX_SUBSCRIPTIONS_PER_ACCOUNT are refused over every transport, until one ends', async () => {
    const provider = await gateway.provider();
    const place = { url: gateway.url, provider };
    const begin = (index: number) =>
      (transports[index % transports.length] as (typeof transports)[number]).subscribe(place, MESSAGE_EVENTS, {});
    const open = await Promise.all([0, 1, 2].map((index) => begin(index).until(({ updates }) => updates.length > 0)));
    // Each socket of the graphql-ws client's is one; the account may have another.
    for (let index = 0; index < transports.length; index += 1) {
      const { errors, updates } = await begin(index).hasEnded();
      expect(updates).toEqual([]);
      expect(errors).toEqual([
        { message: 'This account already has 3 open subscriptions, the maximum', extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } },
      ]);
    }
    open[1]?.close();
    await expect
      .poll(
        async () => {
          const reader = await begin(2).until(({ ended, updates }) => ended !== undefined || updates.length > 0);
          reader.close();
          return reader.updates.length;
        },
        { timeout: 5000 },
      )
      .toBe(1);
    for (const reader of open) reader.close();
  });
});
