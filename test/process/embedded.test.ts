import { watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, GatewayProcess } from './gateway-process.ts';

let dataDir: string;
const started: GatewayProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gateway-process-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((gateway) => gateway.end('SIGKILL')));
  await rm(dataDir, { recursive: true, force: true });
});

function start(env: Record<string, string> = {}): GatewayProcess {
  const gateway = new GatewayProcess({
    DATA_DIR: dataDir,
    BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID,
    BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN,
    ...env,
  });
  started.push(gateway);
  return gateway;
}

async function firstReady(gateway: GatewayProcess): Promise<string> {
  const url = await gateway.listening();
  const response = await fetch(`${url}/health/ready`);
  expect([response.status, await response.json()]).toEqual([200, { status: 'ready' }]);
  return url;
}

async function createEnterprise(url: string, name: string): Promise<void> {
  const response = await fetch(`${url}/msteams/enterprises`, {
    method: 'POST',
    headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
    body: JSON.stringify({ name, enterpriseAdmin: { emailId: `${name}@example.com`, password: 'Secret-123' } }),
  });
  expect(response.status, await response.clone().text()).toBe(201);
}

async function enterpriseNames(url: string): Promise<string[]> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ enterprises { nodes { name } } }' }),
  });
  const { data } = (await response.json()) as { data: { enterprises: { nodes: { name: string }[] } } };
  return data.enterprises.nodes.map(({ name }) => name);
}

test('a new directory is ready at once, and sooner the next time, with its data', async () => {
  let began = performance.now();
  let gateway = start();
  const url = await firstReady(gateway);
  console.log(`new directory: ready after ${Math.round(performance.now() - began)} ms`);
  await createEnterprise(url, 'survivor');
  expect(await gateway.end('SIGTERM')).toEqual({ code: 0, signal: null });

  began = performance.now();
  gateway = start();
  const again = await firstReady(gateway);
  console.log(`existing directory: ready after ${Math.round(performance.now() - began)} ms`);
  expect(await enterpriseNames(again)).toEqual(['survivor']);
});

test('a second gateway on the same directory is refused by the process id of the first, which is not disturbed', async () => {
  const first = start();
  const url = await firstReady(first);
  const second = start();
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.stderr).toContain(`in use by the gateway with process id ${first.child.pid}`);
  expect(second.stderr).not.toContain('    at ');
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
});

test('of gateways that start at once on a new directory, one serves', async () => {
  const gateways = [start(), start(), start()];
  const outcomes = await Promise.all(gateways.map((gateway) => Promise.race([gateway.listening().then(() => 'listening'), gateway.exited])));
  expect(outcomes.filter((outcome) => outcome === 'listening')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome !== 'listening')).toEqual([{ code: 1, signal: null }, { code: 1, signal: null }]);
});

test('a kill -9 loses no answered write and locks nobody out', async () => {
  const killed = start();
  await createEnterprise(await firstReady(killed), 'survivor');
  await killed.end('SIGKILL');
  const next = start();
  expect(await enterpriseNames(await firstReady(next))).toEqual(['survivor']);
});

test('a kill -9 in the first boot leaves a directory that starts', async () => {
  const watcher = watch(dataDir);
  const copying = new Promise<void>((resolve) => {
    watcher.on('change', (_event, name) => {
      if (String(name).startsWith('database.new-')) resolve();
    });
  });
  const killed = start();
  await copying;
  watcher.close();
  await killed.end('SIGKILL');
  const next = start();
  await firstReady(next);
  expect((await readdir(dataDir)).filter((name) => name.startsWith('database.new-'))).toEqual([]);
});

test("a dead holder's lock is taken over, also where its process id belongs to somebody else by now", async () => {
  await writeFile(join(dataDir, 'gateway.lock'), JSON.stringify({ pid: process.pid, socket: 'lock-0123abcd.sock' }));
  await firstReady(start());
});

test('a damaged lock file locks nobody out', async () => {
  await writeFile(join(dataDir, 'gateway.lock'), '{"pid":');
  await firstReady(start());
});

test('a directory deeper than a socket path may be long works, and is locked', async () => {
  const deep = join(dataDir, 'd'.repeat(60), 'e'.repeat(60));
  await mkdir(deep, { recursive: true });
  await firstReady(start({ DATA_DIR: deep }));
  const second = start({ DATA_DIR: deep });
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.stderr).toContain('in use by the gateway');
});

test('nothing of a stopped gateway stays but the database and its key, which only the owner can read', async () => {
  const gateway = start();
  await firstReady(gateway);
  await gateway.end('SIGTERM');
  expect((await readdir(dataDir)).sort()).toEqual(['database', 'secrets.key']);
  const key = join(dataDir, 'secrets.key');
  expect((await stat(key)).mode & 0o777).toBe(0o600);
  expect(Buffer.from(await readFile(key, 'utf8'), 'base64')).toHaveLength(32);
});

test('a database without its key file is refused rather than given another key', async () => {
  const gateway = start();
  await firstReady(gateway);
  await gateway.end('SIGTERM');
  await rm(join(dataDir, 'secrets.key'));
  const next = start();
  expect(await next.exited).toEqual({ code: 1, signal: null });
  expect(next.stderr).toMatch(/secrets\.key is missing/);
});
