import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { Download } from '../../src/bulk/download.ts';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { listen } from '../../src/server/server.ts';
import { Outlet } from '../../src/server/stream-response.ts';
import { done, fresh, newBot } from '../parity/faces.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { exportWorld, type Owner } from './export-world.ts';

const world = exportWorld();
const { newOwner, insertMessages, link, download, request } = world;
let gateway: TestGateway;
let provider: Provider;
beforeAll(() => {
  ({ gateway } = world);
  ({ provider } = world.owner);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The memory in use by this process, which is the gateway and the test, in bytes. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

// On PostgreSQL only: filling PGlite takes too long.
describe.runIf(inject('postgres'))('a large file over the network', () => {
  /** EXPORT_ROWS=1000000 measures a larger file. */
  const ROWS = Number(process.env.EXPORT_ROWS ?? 60_000);
  let large: Owner;
  beforeAll(async () => {
    large = await newOwner();
    await insertMessages(ROWS, large);
  }, 600_000);

  test('has every message once, and its memory does not grow with it', { timeout: 600_000 }, async () => {
    const response = await request((await link(large.provider.graph, 'exportMessages')).url);
    const began = performance.now();
    let [bytes, lines, most, measured] = [0, 0, 0, 0];
    const before = memoryInUse();
    for await (const chunk of response) {
      bytes += chunk.length;
      for (const byte of chunk as Buffer) if (byte === 10) lines += 1;
      if (lines - measured < ROWS / 6) continue;
      measured = lines;
      most = Math.max(most, memoryInUse() - before);
    }
    expect(lines).toBe(ROWS + 1);
    expect(response.complete).toBe(true);
    expect(bytes).toBeGreaterThan(ROWS * 200);
    if (process.env.EXPORT_ROWS) console.log({ rows: ROWS, bytes, seconds: (performance.now() - began) / 1000, mostMegabytes: most / 1e6 });
    // The file has at least 12 MB of text, and its rows take several times as much.
    expect(most).toBeLessThan(15_000_000);
  });

  test('is read no faster than its client reads it, and no longer than the client is connected', { timeout: 60_000 }, async () => {
    const { url } = await link(large.provider.graph, 'exportMessages');
    const response = await request(url);
    response.pause();
    const busy = await statementsUntilQuiet();
    // Only the pages that fit into the buffers between database and client are read.
    expect(busy).toBeLessThan(ROWS / 1000);
    response.destroy();
    expect(await statementsUntilQuiet()).toBeLessThan(3);
  });

  test('is broken off when the credentials end', { timeout: 60_000 }, async () => {
    const { account, authToken } = await createAccount(gateway.gateway, {
      ...{ organization: { sid: large.provider.organizationSid }, email: fresh.email() },
    });
    const { url } = await link(graphClient(gateway.fetch, { user: account.sid, password: authToken }), 'exportMessages');
    const response = await request(url);
    response.pause();
    await large.provider.graph(`mutation { suspendAccount(input: { sid: "${account.sid}" }) { __typename } }`);
    await expect(
      (async () => {
        for await (const _ of response);
      })(),
    ).rejects.toThrow('aborted');
    expect(response.complete).toBe(false);
  });

  test('is downloaded at most four times at once by an organization, and again when one has ended', { timeout: 60_000 }, async () => {
    const { url } = await link(large.provider.graph, 'exportMessages');
    const open = [await request(url), await request(url), await request(url), await request(url)];
    for (const response of open) response.pause();
    const refused = await request(url);
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '10']);
    refused.resume();
    expect(world.refusals).toEqual(['downloads']);
    // An app package counts as well.
    const applicationId = '5a3c7f52-0b5c-4b43-8f0a-2f6f4b1f9d11';
    const { sid } = await done(large.provider, 'createBot', newBot(large.enterprise, { applicationId }));
    const { data } = await large.provider.graph('query ($sid: ID!) { bot(sid: $sid) { appPackage { url } } }', { sid });
    const appPackage = async () => (await request(data.bot.appPackage.url)).resume().statusCode;
    expect(await appPackage()).toBe(429);
    const { url: others } = await link(provider.graph, 'exportMessages');
    expect((await download(others)).status).toBe(200);
    for (const response of open) response.destroy();
    // Each download must free its place, or the fifth would be refused.
    for (let times = 0; times < 5; times += 1) await expect.poll(appPackage, { timeout: 10_000 }).toBe(200);
    await expect.poll(async () => (await request(url)).statusCode, { timeout: 10_000 }).toBe(200);
  });

  test('is downloaded at most twice at once by single enterprises, which leaves places to the provider', { timeout: 60_000 }, async () => {
    const { url, exportSid } = await link(large.provider.graph, 'exportMessages');
    const { url: confined, exportSid: sid } = await link(large.provider.graph, 'exportMessages');
    expect(sid).not.toBe(exportSid);
    await gateway.database.prisma.dataExport.update({ where: { sid }, data: { confinedTo: large.enterprise } });
    const open = [await request(confined), await request(confined)];
    for (const response of open) response.pause();
    const refused = await request(confined);
    expect(refused.statusCode).toBe(429);
    refused.resume();
    const own = await request(url);
    expect(own.statusCode).toBe(200);
    for (const response of [...open, own]) response.destroy();
  });

  test('is broken off when the instance stops, so that it does not delay the stop', { timeout: 60_000 }, async () => {
    const { url } = await link(large.provider.graph, 'exportMessages');
    const app = gateway.another({});
    const own = await listen((request) => app.fetch(request), { host: '127.0.0.1', port: 0, direct: app.direct });
    const [response] = (await once(get(url.replace('http://gateway.test', own.url)), 'response')) as [IncomingMessage];
    response.pause();
    app.drain();
    expect(await own.drain(30_000)).toBe(true);
    await expect(
      (async () => {
        for await (const _ of response);
      })(),
    ).rejects.toThrow('aborted');
    expect((await app.fetch(new Request(url))).status).toBe(503);
  });

  test('is broken off when its client reads nothing for a minute', async () => {
    const credentials = { watch: () => {}, unwatch: () => {}, stop: () => {} };
    const caller = { organizationSid: 'OR', accountSid: 'AC', permissions: new Set<never>(), requestId: 'request' };
    let ended = 0;
    async function* pieces() {
      for (;;) yield 'x'.repeat(1_000_000);
    }
    const all = pieces();
    const download = new Download(await all.next(), all, { caller, credentials, log: { error: () => {} }, ended: () => (ended += 1) });
    const network = new PassThrough();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      download.begin(new Outlet(network));
      await vi.advanceTimersByTimeAsync(59_000);
      expect([network.destroyed, ended]).toEqual([false, 0]);
      await vi.advanceTimersByTimeAsync(2_000);
    } finally {
      vi.useRealTimers();
    }
    expect([network.destroyed, ended]).toEqual([true, 1]);
  });

  /** Counts the statements that run until none has run for 0.3 s. */
  async function statementsUntilQuiet(): Promise<number> {
    let count = 0;
    const { pool } = gateway.database;
    const query = pool.query;
    pool.query = ((...args: unknown[]) => {
      count += 1;
      return (query as (...given: unknown[]) => unknown).apply(pool, args);
    }) as typeof query;
    try {
      for (let last = -1; last !== count; ) {
        last = count;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      return count;
    } finally {
      pool.query = query;
    }
  }
});
