import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createRateLimit } from '../../src/admission/rate-limit.ts';
import { startNotifier } from '../../src/channels/notify.ts';
import { redisChannel } from '../../src/channels/redis-channel.ts';
import { type FaultProxy, startFaultProxy } from '../fakes/fault-proxy.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { restClient } from '../support/rest.ts';

const log = pino({ level: 'silent' });

// Whichever the database: once is enough.
describe.skipIf(inject('postgres'))('a gateway with REDIS_URL', () => {
  let redis: TestRedis | undefined;
  let proxy: FaultProxy;
  let gateway: TestGateway;
  let provider: Provider;
  beforeAll(async () => {
    redis = await startRedis();
    if (!redis) return;
    proxy = await startFaultProxy(redis.url);
    gateway = await createTestGateway();
    provider = await gateway.provider();
  });
  afterAll(async () => {
    await gateway?.close();
    await proxy?.close();
    await redis?.close();
  });

  test('while Redis is down, or hangs, requests are served, and each instance counts them for itself', async ({ skip }) => {
    if (!redis) return skip();
    const rateLimit = await createRateLimit({ perMinute: 100, redisUrl: proxy.url, log });
    const { fetch } = gateway.another({ rateLimit });
    const { get } = restClient(fetch, { user: provider.accountSid, password: provider.authToken });
    const ask = async () => {
      const began = performance.now();
      const { status, headers } = await get('/msteams/enterprises/search');
      return { status, isCounted: headers.has('ratelimit'), ms: performance.now() - began };
    };
    await expect.poll(() => proxy.connections).toBe(1);
    for (const fail of [proxy.hang, proxy.refuse]) {
      await ask();
      fail();
      for (let n = 0; n < 3; n += 1) expect(await ask()).toEqual({ status: 200, isCounted: true, ms: expect.toSatisfy((ms) => ms < 1000) });
      await proxy.heal();
    }
    rateLimit.close();
  });

  test('a connection to a Redis that hangs is replaced, and hints between instances arrive again once it responds', async ({ skip }) => {
    if (!redis) return skip();
    const url = proxy.url;
    const instance = () => {
      const woken: string[] = [];
      const connected: boolean[] = [];
      const here = { queued: () => woken.push('queued'), appended: (sid: string) => woken.push(sid), missed: () => connected.push(true) };
      return { ...startNotifier({ here, openChannel: redisChannel(url, log) }), woken, connections: () => connected.length };
    };
    const [one, two] = [instance(), instance()];
    await expect.poll(() => Math.min(one.connections(), two.connections())).toBe(1);
    const before = proxy.connections;
    proxy.hang();
    one.hints.appended('OR1');
    expect(one.woken).toEqual(['OR1']);
    // The channel gives up its connection, although nothing reports that it is lost.
    await expect.poll(() => proxy.connections, { timeout: 10_000 }).not.toBe(before);
    await proxy.heal();
    await expect
      .poll(
        async () => {
          one.hints.appended('OR2');
          await delay(25);
          return two.woken.includes('OR2');
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    await Promise.all([one.close(), two.close()]);
  });

  test('a Redis that is emptied costs a window of counts, and no hint between instances', async ({ skip }) => {
    if (!redis) return skip();
    const rateLimit = await createRateLimit({ perMinute: 3, redisUrl: redis.url, log });
    const { fetch } = gateway.another({ rateLimit });
    const { get } = restClient(fetch, { user: provider.accountSid, password: provider.authToken });
    const ask = async () => (await get('/msteams/enterprises/search')).status;
    const woken: string[] = [];
    const connected: boolean[] = [];
    const here = { queued: () => {}, appended: (sid: string) => woken.push(sid), missed: () => connected.push(true) };
    const [one, two] = [1, 2].map(() => startNotifier({ here, openChannel: redisChannel(redis?.url ?? '', log) }));
    await expect.poll(() => connected.length).toBe(2);
    await expect.poll(ask).toBe(429);
    await redis.run('FLUSHALL', 'SCRIPT FLUSH');
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([200, 200, 200]);
    expect(await ask()).toBe(429);
    one?.hints.appended('OR3');
    // Here, and at the other.
    await expect.poll(() => woken).toEqual(['OR3', 'OR3']);
    rateLimit.close();
    await Promise.all([one?.close(), two?.close()]);
  });
});
