import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { MIGRATIONS, packageRoot } from '../../src/database/package-root.ts';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { AUTHORIZATION, GatewayProcess } from './gateway-process.ts';
import { type Accepted, createSurroundings, freePort, type Surroundings } from './traffic.ts';

// The release before and this build side by side, as in a rolling upgrade (docs/operating.md). The release is built in a directory of its own, or was
// by .ci/run, which says where by PREVIOUS_RELEASE. UPGRADE_FROM=<commit> takes that commit in its place.

const SCRIPT = join(packageRoot(), '.ci', 'previous-release.mjs');
const previous = execFileSync(process.execPath, [SCRIPT], { encoding: 'utf8' }).trim();
const why = !inject('postgres') ? 'it needs PostgreSQL' : previous === '' ? 'no release is before this commit in this clone' : undefined;

const BUILD_MS = 600_000;
const HEADERS = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
const CREATE = `mutation ($input: CreateEnterpriseInput!) {
  createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { sid } } ... on Error { code message } }
}`;
const PAGE = `query ($after: String) {
  messages(first: 100, after: $after) { totalCount nodes { sid body channelStatus } pageInfo { hasNextPage endCursor } }
}`;

interface Stored {
  readonly sid: string;
  readonly body: string;
  readonly channelStatus: string;
}

// biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
async function graph(url: string, query: string, variables?: object): Promise<any> {
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers: HEADERS, body: JSON.stringify({ query, variables }) });
  const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}

async function stored(url: string): Promise<Stored[]> {
  const found: Stored[] = [];
  for (let after: string | null = null; ; ) {
    const { messages } = await graph(url, PAGE, { after });
    found.push(...messages.nodes);
    if (!messages.pageInfo.hasNextPage) return found;
    after = messages.pageInfo.endCursor;
  }
}

/** Stands in front of the instances, at the address that Restcomm knows: each request is another one's. */
async function createFront(): Promise<{ readonly url: string; targets: string[]; close(): void }> {
  let count = 0;
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const target = front.targets[count++ % front.targets.length];
    const headers = { 'content-type': request.headers['content-type'] ?? '' };
    const answer = await fetch(`${target}${request.url}`, { method: request.method ?? '', headers, body }).catch(() => undefined);
    response.writeHead(answer?.status ?? 502).end(await answer?.text());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const front = { url: `http://127.0.0.1:${port}`, targets: [] as string[], close: () => void server.close() };
  return front;
}

/** Follows an instance's live events, from when it returns. @returns the texts whose delivery it has shown */
async function follow(url: string): Promise<{ seen: Set<string>; close(): void }> {
  const seen = new Set<string>();
  const controller = new AbortController();
  const query = 'subscription { messageEvents { ... on MessageEvent { channelStatus message { body } } } }';
  const { body } = await fetch(`${url}/graphql`, {
    ...{ method: 'POST', headers: { ...HEADERS, accept: 'text/event-stream' }, body: JSON.stringify({ query }) },
    signal: controller.signal,
  });
  void (async () => {
    let text = '';
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const event = line.startsWith('data: {') && JSON.parse(line.slice('data: '.length)).data?.messageEvents;
        if (event && event.channelStatus === 'DELIVERED') seen.add(event.message.body);
      }
    }
  })().catch(() => {});
  return { seen, close: () => controller.abort() };
}

describe.skipIf(why !== undefined)(`upgrading from ${previous || 'the release before'}${why ? `: skipped, since ${why}` : ''}`, () => {
  let directory: string;
  let release: string;
  let place: TestPlace;
  let surroundings: Surroundings;
  let front: Awaited<ReturnType<typeof createFront>>;
  const started: GatewayProcess[] = [];
  const followed: { close(): void }[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'upgrade-'));
    release = process.env.PREVIOUS_RELEASE ?? join(directory, 'release');
    if (!process.env.PREVIOUS_RELEASE) await promisify(execFile)(process.execPath, [SCRIPT, release]);
    [place, surroundings, front] = await Promise.all([createTestPlace('empty'), createSurroundings(), createFront()]);
  }, BUILD_MS);
  afterAll(async () => {
    for (const { close } of followed) close();
    await Promise.all(started.map((gateway) => gateway.end('SIGKILL')));
    front?.close();
    await surroundings?.close();
    await place?.remove();
    await rm(directory, { recursive: true });
  });

  function start(root: string, port: number): GatewayProcess {
    const address = { PORT: String(port), PUBLIC_URL: front.url, DATABASE_URL: place.settings.databaseUrl };
    const gateway = new GatewayProcess({ ...surroundings.env, ...address }, [process.execPath, join(root, 'dist', 'main.js')], root);
    started.push(gateway);
    return gateway;
  }

  test('both versions work on one database while the new one migrates it, and nothing is lost when the former one ends', async () => {
    const [oldPort, newPort] = [await freePort(), await freePort()];
    let former = start(release, oldPort);
    const oldUrl = await former.listening();
    front.targets = [oldUrl];
    await surroundings.populate(oldUrl, 3);
    const accepted: Accepted[] = [];
    /** Texts in every way at these instances until so many were accepted, and all are delivered. */
    const exchange = async (urls: string[], count: number, meanwhile?: Promise<unknown>) => {
      front.targets = urls;
      const traffic = surroundings.begin(urls);
      await until(async () => traffic.accepted.length > count, 60_000);
      await meanwhile;
      await traffic.stop();
      accepted.push(...traffic.accepted);
      await until(async () => (await stored(urls[0] ?? '')).every(({ channelStatus }) => channelStatus === 'DELIVERED'), 60_000);
    };

    // The new one migrates while the former one moves messages.
    await exchange([oldUrl], 20);
    const newer = start(packageRoot(), newPort);
    await exchange([oldUrl], 20, newer.listening());
    const newUrl = `http://127.0.0.1:${newPort}`;
    const migrations = (await readdir(MIGRATIONS)).filter((name) => /^\d/.test(name));
    const before = (await readdir(join(release, 'prisma', 'migrations'))).filter((name) => /^\d/.test(name));
    const applied = newer.stdout.split('\n').filter((line) => line.includes('"msg":"migration applied"'));
    expect(applied).toHaveLength(migrations.length - before.length);

    // Both work, and show each other's events.
    const streams = await Promise.all([oldUrl, newUrl].map(follow));
    followed.push(...streams);
    await exchange([oldUrl, newUrl], 100);
    const shown = accepted.slice(-100).map(({ body }) => body);
    await until(async () => streams.every(({ seen }) => shown.every((body) => seen.has(body))));
    expect(await stored(oldUrl)).toEqual(await stored(newUrl));

    // What one creates, the other lists.
    for (const [index, [at, other]] of [[oldUrl, newUrl] as const, [newUrl, oldUrl] as const].entries()) {
      const enterpriseAdmin = { email: `admin${index}@second.example`, password: 'a-long-password' };
      const { createEnterprise } = await graph(at, CREATE, { input: { name: `Second ${index}`, enterpriseAdmin } });
      const { enterprises } = await graph(other, '{ enterprises(first: 10) { nodes { sid } } }');
      expect(enterprises.nodes).toContainEqual(createEnterprise.enterprise);
    }

    // The former one can start on the new schema, as it does when it crashes during the upgrade, or when the upgrade is taken back.
    expect(await former.end('SIGTERM')).toEqual({ code: 0, signal: null });
    former = start(release, oldPort);
    await former.listening();
    await exchange([oldUrl, newUrl], 40);

    expect(await former.end('SIGTERM')).toEqual({ code: 0, signal: null });
    await exchange([newUrl], 40);
    const arrived = [...surroundings.arrived('phone'), ...surroundings.arrived('teams')].map(({ body }) => body);
    expect(accepted.filter(({ body }) => !arrived.includes(body))).toEqual([]);
    expect(new Set(arrived).size).toBe(arrived.length);
    const texts = (await stored(newUrl)).map(({ body }) => body);
    expect(accepted.filter(({ body }) => !texts.includes(body))).toEqual([]);
    // No statement of either version failed.
    const failed = started.flatMap(({ stdout }) => stdout.split('\n').filter((line) => /"level":[56]0/.test(line)));
    expect(failed).toEqual([]);
  }, 180_000);
});
