import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { Download } from '../../src/bulk/download.ts';
import { createAccount, READ_ONLY_PERMISSIONS } from '../../src/domain/access/accounts.ts';
import { purgeExports } from '../../src/domain/bulk/exports.ts';
import { headOf, rowsAsText, withoutApostrophe } from '../../src/domain/bulk/formats.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { Outlet } from '../../src/server/stream-response.ts';
import { done, fresh, newBot, newEnterprise, newMapping, unknownSid } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type GraphClient, graphClient } from '../support/graph.ts';

let gateway: TestGateway;
let listener: Listener;
let provider: Provider;
let stranger: Provider;
let enterprise: string;
let enterpriseName: string;
let mapping: string;

const BODY = '=cmd("calc"), "quoted"\r\nand – more';

beforeAll(async () => {
  gateway = await createTestGateway();
  listener = await listen((request) => gateway.app.fetch(request), { host: '127.0.0.1', port: 0, direct: gateway.app.direct });
  [provider, stranger] = [await gateway.provider(), await gateway.provider()];
  const made = await done(provider, 'createEnterprise', newEnterprise({ name: '@Kohl; "GmbH"' }));
  [enterprise, enterpriseName] = [made.sid, made.name];
  mapping = (await done(provider, 'createMapping', newMapping(enterprise))).sid;
  await insertMessages(3);
});
afterAll(async () => {
  await listener.drain(0);
  await gateway.close();
});

/** Inserts messages a second apart, with their counts and indexes. */
async function insertMessages(
  count: number,
  of: { provider: Provider; enterprise: string; mapping: string } = { provider, enterprise, mapping },
) {
  const tag = newSid('MS');
  const client = await gateway.database.pool.connect();
  // Without the triggers, which count them: a million would take minutes.
  if (count > 100_000) await client.query('SET session_replication_role = replica');
  for (let first = 1; first <= count; first += 50_000)
    await client.query(
      `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, "from", from_folded, "to", to_folded, body,
       channel_status, status_rank, date_created)
     SELECT 'MS' || md5($1 || n), $2, $3, $4, $5, (CASE n % 2 WHEN 0 THEN 'INBOUND' ELSE 'OUTBOUND' END)::message_direction, '+4930111', '4930111',
       'anna@kohl.example', 'anna@kohl.example', $6, (CASE n % 3 WHEN 0 THEN 'FAILED' ELSE 'DELIVERED' END)::channel_status, 3,
       timestamptz '2026-11-01T00:00:00Z' + n * interval '1 second'
     FROM generate_series($7::int, $8::int) AS n`,
      [tag, of.provider.organizationSid, of.enterprise, of.mapping, of.provider.accountSid, BODY, first, Math.min(count, first + 49_999)],
    );
  if (count > 100_000) await client.query('ANALYZE message');
  client.release(true);
}

async function link(graph: GraphClient, mutation: 'exportMessages' | 'exportMappings', input: object = {}) {
  const type = mutation.replace('e', 'E');
  const { data, errors, status } = await graph(
    `mutation ($input: ${type}Input!) { made: ${mutation}(input: $input) {
      ... on ${type}Success { exportSid url dateExpires } ... on Error { code path value } } }`,
    { input },
  );
  return { status, ...data?.made, code: errors?.[0]?.extensions?.code ?? data?.made?.code };
}

const download = async (url: string, method = 'GET') => {
  const response = await gateway.fetch(new Request(url, { method }));
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const rowsOf = (text: string): Record<string, string>[] => parse(text, { columns: true });

/** Over the network, as browsers download. */
async function request(url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url.replace('http://gateway.test', listener.url)), 'response')) as [IncomingMessage];
  return response;
}

describe('exportMessages', () => {
  test('makes a link to a CSV file of the messages, without their texts', async () => {
    const { url, exportSid, dateExpires } = await link(provider.graph, 'exportMessages', { filter: { enterpriseSid: enterprise } });
    expect(url).toMatch(new RegExp(`^http://gateway\\.test/exports/${exportSid}\\?signature=[0-9a-f]{8}\\.[\\w-]{43}$`));
    expect(Date.parse(dateExpires) - Date.now()).toBeGreaterThan(4 * 60_000);
    const { status, headers, text } = await download(url);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8; header=present']);
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="messages-\d{4}-\d\d-\d\d\.csv"$/);
    expect(headers.get('cache-control')).toBe('no-store');
    const rows = rowsOf(text);
    expect(rows.map(({ dateCreated }) => dateCreated)).toEqual([1, 2, 3].map((n) => `2026-11-01T00:00:0${n}.000Z`));
    expect(rows[0]).toMatchObject({
      ...{ enterpriseSid: enterprise, enterpriseName: `'${enterpriseName}`, mappingSid: mapping, accountSid: provider.accountSid },
      ...{ direction: 'OUTBOUND', type: 'SMS', from: '+4930111', to: 'anna@kohl.example', segments: '1', encoding: 'GSM_7', media: '0' },
      ...{ channelStatus: 'DELIVERED', channelErrorCode: '' },
    });
    expect(rows[0]).not.toHaveProperty('body');
  });

  test('writes the texts if asked to, and JSON lines without changing them', async () => {
    const csv = await link(provider.graph, 'exportMessages', { withBody: true });
    expect(rowsOf((await download(csv.url)).text).map(({ body }) => body)).toEqual(Array(3).fill(`'${BODY}`));
    const { url } = await link(provider.graph, 'exportMessages', { withBody: true, format: 'JSON_LINES' });
    const { headers, text } = await download(url);
    expect(headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({ body: BODY, enterpriseName, from: '+4930111', segments: 1, channelErrorCode: null });
  });

  test.each([
    [{ direction: 'INBOUND' }, [2]],
    [{ statuses: ['FAILED', 'QUEUED'] }, [3]],
    [{ type: 'MMS' }, []],
    [{ createdFrom: '2026-11-01T00:00:02Z' }, [2, 3]],
    [{ createdFrom: '2026-11-01T00:00:02Z', createdTo: '2026-11-01T00:00:02Z', direction: 'INBOUND' }, [2]],
    [{ createdTo: '2026-11-01T00:00:01Z' }, [1]],
  ])('filters by %j', async (filter, seconds) => {
    for (const place of [{}, { mappingSid: mapping }, { enterpriseSid: enterprise }]) {
      const { url } = await link(provider.graph, 'exportMessages', { filter: { ...filter, ...place } });
      const rows = rowsOf((await download(url)).text);
      expect(rows.map(({ dateCreated }) => Number(dateCreated?.slice(18, 19)))).toEqual(seconds);
    }
  });

  test('ends with the messages of the time of the request', async () => {
    const other = await gateway.provider();
    const own = (await done(other, 'createEnterprise', newEnterprise())).sid;
    const of = { provider: other, enterprise: own, mapping: (await done(other, 'createMapping', newMapping(own))).sid };
    const { url } = await link(other.graph, 'exportMessages');
    await insertMessages(1, of);
    await gateway.database.pool.query(`UPDATE message SET date_created = now() + interval '1 minute' WHERE organization_sid = $1`, [
      other.organizationSid,
    ]);
    expect(rowsOf((await download(url)).text)).toEqual([]);
  });

  test.each([
    [{ filter: { enterpriseSid: unknownSid('EN') } }, 'ENTERPRISE_NOT_FOUND', ['filter', 'enterpriseSid']],
    [{ filter: { mappingSid: unknownSid('BE') } }, 'MAPPING_NOT_FOUND', ['filter', 'mappingSid']],
    [{ filter: { createdFrom: '2026-11-02T00:00:00Z', createdTo: '2026-11-01T00:00:00Z' } }, 'INVALID_PARAMETER', ['filter', 'createdTo']],
  ])('refuses %j', async (input, code, path) => {
    expect(await link(provider.graph, 'exportMessages', input)).toMatchObject({ code, path });
  });

  test('knows another tenant’s enterprise and mapping no better than one that is not there', async () => {
    for (const filter of [{ enterpriseSid: enterprise }, { mappingSid: mapping }]) {
      expect((await link(stranger.graph, 'exportMessages', { filter })).code).toMatch(/_NOT_FOUND$/);
    }
    expect(rowsOf((await download((await link(stranger.graph, 'exportMessages')).url)).text)).toEqual([]);
  });

  test('needs credentials, and READ alone', async () => {
    expect((await link(graphClient(gateway.fetch), 'exportMessages')).status).toBe(401);
    const { account, authToken } = await createAccount(gateway.gateway, {
      ...{ organization: { sid: provider.organizationSid }, email: fresh.email(), permissions: READ_ONLY_PERMISSIONS },
    });
    const { url } = await link(graphClient(gateway.fetch, { user: account.sid, password: authToken }), 'exportMessages');
    expect(rowsOf((await download(url)).text)).toHaveLength(3);
  });
});

describe('exportMappings', () => {
  test('writes the mappings of the caller’s reach, as importMappings takes them', async () => {
    const { url } = await link(provider.graph, 'exportMappings', { filter: { enterpriseSid: enterprise } });
    const { text, headers } = await download(url);
    expect(headers.get('content-disposition')).toContain('mappings-');
    expect(rowsOf(text)).toMatchObject([{ sid: mapping, enterpriseSid: enterprise, externalAddress: expect.stringMatching(/^\+?\d+$/) }]);
    expect(rowsOf((await download((await link(stranger.graph, 'exportMappings')).url)).text)).toEqual([]);
  });
});

describe('an enterprise’s admin', () => {
  test('exports its enterprise alone, if the organization has opted in', async () => {
    const other = newEnterprise();
    const { sid, admin } = await done(provider, 'createEnterprise', other);
    const graph = graphClient(gateway.fetch, { user: admin.sid, password: (other.enterpriseAdmin as { password: string }).password });
    expect((await link(graph, 'exportMessages')).code).toBe('FORBIDDEN');
    expect((await link(graph, 'exportMappings')).code).toBe('FORBIDDEN');
    await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_EXPORT] }) { __typename } }');
    const own = await done(provider, 'createMapping', newMapping(sid));
    expect(rowsOf((await download((await link(graph, 'exportMappings')).url)).text)).toMatchObject([{ sid: own.sid }]);
    expect((await link(graph, 'exportMessages', { filter: { enterpriseSid: enterprise } })).code).toBe('ENTERPRISE_NOT_FOUND');
    const { url } = await link(graph, 'exportMessages');
    expect(rowsOf((await download(url)).text)).toEqual([]);
    await done(provider, 'updateEnterprise', { sid, status: 'INACTIVE' });
    expect((await download(url)).status).toBe(404);
  });
});

describe('a link', () => {
  test('is refused if it is changed in any character, expired, or for another method', async () => {
    const { url, exportSid } = await link(provider.graph, 'exportMessages');
    const token = url.slice(url.lastIndexOf('/') + 1) as string;
    fc.assert(
      fc.property(fc.nat(token.length - 2), fc.constantFrom('0', 'a', 'Z', '-', '.', '%'), (at, letter) => {
        fc.pre(token[at] !== letter);
        const changed = url.replace(token, `${token.slice(0, at)}${letter}${token.slice(at + 1)}`);
        return changed !== url;
      }),
    );
    for (let at = 0; at < token.length; at += 3) {
      const letter = token[at] === 'a' ? 'b' : 'a';
      expect((await download(url.replace(token, `${token.slice(0, at)}${letter}${token.slice(at + 1)}`))).status, String(at)).toBe(404);
    }
    for (const bad of ['', 'x', `${token}.x`, token.slice(0, -1), encodeURIComponent('\0')]) {
      expect((await download(`http://gateway.test/exports/${bad}`)).status).toBe(404);
    }
    expect((await download(url, 'POST')).status).toBe(405);
    expect((await download(url)).status).toBe(200);
    await gateway.database.prisma.dataExport.update({ where: { sid: exportSid }, data: { dateExpires: new Date() } });
    const { status, text } = await download(url);
    expect([status, JSON.parse(text).message]).toEqual([404, expect.stringContaining('expired')]);
  });

  test('is of one gateway: another’s key did not sign it', async () => {
    const elsewhere = await createTestGateway({ database: { ...gateway.database, close: async () => {} } });
    const { url } = await link(provider.graph, 'exportMessages');
    expect((await elsewhere.fetch(new Request(url))).status).toBe(404);
    elsewhere.app.drain();
  });

  test('ends with the credentials that asked for it', async () => {
    const { account, authToken } = await createAccount(gateway.gateway, {
      organization: { sid: provider.organizationSid },
      email: fresh.email(),
    });
    const colleague = graphClient(gateway.fetch, { user: account.sid, password: authToken });
    const { url } = await link(colleague, 'exportMessages');
    const { data } = await colleague(
      'mutation { made: createAccessToken(input: { expiresIn: 60, permissions: [READ, WRITE] }) { ... on CreateAccessTokenSuccess { token accessToken { sid } } } }',
    );
    const byToken = await link(graphClient(gateway.fetch, { token: data.made.token }), 'exportMessages');
    expect(Date.parse(byToken.dateExpires) - Date.now()).toBeLessThanOrEqual(60_000);
    expect([(await download(url)).status, (await download(byToken.url)).status]).toEqual([200, 200]);
    await colleague(`mutation { revokeAccessToken(input: { sid: "${data.made.accessToken.sid}" }) { __typename } }`);
    expect([(await download(url)).status, (await download(byToken.url)).status]).toEqual([200, 404]);
    await provider.graph(`mutation { rotateAccountToken(input: { sid: "${account.sid}" }) { __typename } }`);
    expect((await download(url)).status).toBe(404);
  });

  test('is kept for a day after it has expired', async () => {
    const { exportSid } = await link(provider.graph, 'exportMessages');
    const { prisma } = gateway.database;
    await prisma.dataExport.update({ where: { sid: exportSid }, data: { dateExpires: new Date(Date.now() - 23 * 60 * 60_000) } });
    await purgeExports(prisma);
    expect(await prisma.dataExport.count({ where: { sid: exportSid } })).toBe(1);
    await prisma.dataExport.update({ where: { sid: exportSid }, data: { dateExpires: new Date(Date.now() - 25 * 60 * 60_000) } });
    await purgeExports(prisma);
    expect(await prisma.dataExport.count({ where: { sid: exportSid } })).toBe(0);
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Of this process, the gateway's and the test's, in bytes. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

// PostgreSQL alone is filled fast enough: PGlite takes a fifth of this file's time for it.
describe.runIf(inject('postgres'))('a large file over the network', () => {
  /** EXPORT_ROWS=1000000 measures it once with more. */
  const ROWS = Number(process.env.EXPORT_ROWS ?? 60_000);
  let large: { provider: Provider; enterprise: string; mapping: string };
  beforeAll(async () => {
    const owner = await gateway.provider();
    const own = (await done(owner, 'createEnterprise', newEnterprise())).sid;
    large = { provider: owner, enterprise: own, mapping: (await done(owner, 'createMapping', newMapping(own))).sid };
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
    // What has been read by then is 20 MB of text, and several times as much as rows.
    expect(most).toBeLessThan(15_000_000);
  });

  test('is read no faster than its client reads, and no longer than it stays', { timeout: 60_000 }, async () => {
    const { url } = await link(large.provider.graph, 'exportMessages');
    const response = await request(url);
    response.pause();
    const busy = await statementsUntilQuiet();
    // The pages that fit into the buffers between here and there.
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

  test('runs at most four times at once for an organization, and again when one has ended', { timeout: 60_000 }, async () => {
    const { url } = await link(large.provider.graph, 'exportMessages');
    const open = [await request(url), await request(url), await request(url), await request(url)];
    for (const response of open) response.pause();
    const refused = await request(url);
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '10']);
    refused.resume();
    // An app package counts as well.
    const applicationId = '5a3c7f52-0b5c-4b43-8f0a-2f6f4b1f9d11';
    const { sid } = await done(large.provider, 'createBot', newBot(large.enterprise, { applicationId }));
    const { data } = await large.provider.graph('query ($sid: ID!) { bot(sid: $sid) { appPackage { url } } }', { sid });
    const appPackage = async () => (await request(data.bot.appPackage.url)).resume().statusCode;
    expect(await appPackage()).toBe(429);
    const { url: others } = await link(provider.graph, 'exportMessages');
    expect((await download(others)).status).toBe(200);
    for (const response of open) response.destroy();
    // Each gives its place back, or the fifth would be refused.
    for (let times = 0; times < 5; times += 1) await expect.poll(appPackage, { timeout: 10_000 }).toBe(200);
    await expect.poll(async () => (await request(url)).statusCode, { timeout: 10_000 }).toBe(200);
  });

  test('runs at most twice at once for single enterprises, and leaves the other places to the provider', { timeout: 60_000 }, async () => {
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

  test('is broken off when the instance stops, so that it does not hold up the stop', { timeout: 60_000 }, async () => {
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

  test('is broken off when its client takes nothing for a minute', async () => {
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

  /** How many statements run until none has for a moment. */
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

test('every row of text survives writing and reading, and no text is a formula', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[=+@"',;\r\n\t -]{0,6}$/));
  fc.assert(
    fc.property(fc.array(fc.record({ a: text, b: text }), { minLength: 1 }), (rows) => {
      const written = headOf('csv', ['a', 'b']) + rowsAsText('csv', ['a', 'b'], rows);
      const read: { a: string; b: string }[] = parse(written, { columns: true });
      expect(read.map(({ a, b }) => ({ a: withoutApostrophe(a), b: withoutApostrophe(b) }))).toEqual(
        rows.map(({ a, b }) => ({ a: withoutApostrophe(a), b: withoutApostrophe(b) })),
      );
      for (const { a, b } of read) expect(`${a}\n${b}`).not.toMatch(/^[=@\t\r-]/);
    }),
  );
  expect(rowsAsText('csv', ['a'], [{ a: '+49 (30) 111-22' }, { a: '+1+cmd' }])).toBe("+49 (30) 111-22\r\n'+1+cmd\r\n");
});
