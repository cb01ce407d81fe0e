import { watch } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
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

test('one directory, one gateway: a second one is refused, a kill -9 loses no acknowledged write, and the next gateway serves it', async () => {
  let began = performance.now();
  const first = start();
  const url = await firstReady(first);
  console.log(`new directory: ready after ${Math.round(performance.now() - began)} ms`);
  await createEnterprise(url, 'survivor');

  const second = start();
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.stderr).toContain(`in use by the gateway with process id ${first.child.pid}`);
  expect(second.stderr).not.toContain('    at ');
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);

  await first.end('SIGKILL');
  began = performance.now();
  const next = start();
  const nextUrl = await firstReady(next);
  console.log(`existing directory: ready after ${Math.round(performance.now() - began)} ms`);
  expect(await enterpriseNames(nextUrl)).toEqual(['survivor']);
  expect(next.stdout).not.toContain('first account');

  expect(await next.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect((await readdir(dataDir)).sort()).toEqual(['database', 'gateway.lock.2', 'secrets.key']);
});

test('a kill -9 during the first start leaves a directory that starts', async () => {
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
  await firstReady(start());
  expect((await readdir(dataDir)).filter((name) => name.startsWith('database.new-'))).toEqual([]);
});

test('the embedded carrier finishes after a restart what it had accepted', async () => {
  const unlimited = { RATE_LIMIT: 'off' };
  const gateway = start(unlimited);
  const url = await gateway.listening();
  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
  const post = async (to: string, path: string, body: object) => {
    const response = await fetch(`${to}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.ok, await response.clone().text()).toBe(true);
    return (await response.json()) as { data: { sid: string; messages: { nodes: { to: string; channelStatus: string }[] } } };
  };
  const statuses = async (of: string): Promise<Record<string, string>> => {
    const { data } = await post(of, '/graphql', { query: '{ messages { nodes { to channelStatus } } }' });
    return Object.fromEntries(data.messages.nodes.map(({ to, channelStatus }) => [to, channelStatus]));
  };
  const enterpriseAdmin = { emailId: 'admin@kohl.example', password: 'Secret-123' };
  const { sid: enterpriseSid } = (await post(url, '/msteams/enterprises', { name: 'Kohl', enterpriseAdmin })).data;
  const bot = { applicationId: 'app', tenantId: 'tenant', clientSecret: 'secret', botAppId: 'app' };
  await post(url, '/msteams/teamsbot', { enterpriseSid, ...bot });
  const microsoftAddress = 'sunny@kohl.example';
  await post(url, '/msteams/mappings', { enterpriseSid, microsoftAddress, externalAddress: '+493023125042' });
  for (const phone of ['+4915112345671', '+4915112345670'])
    await post(url, '/stand-in/teams', { microsoftAddress, text: `${phone} Are you there?` });
  const areAccepted = async () => {
    const found = Object.values(await statuses(url));
    return found.length === 2 && !found.includes('QUEUED');
  };
  await expect.poll(areAccepted, { timeout: 30_000 }).toBe(true);
  await gateway.end('SIGKILL');

  const again = await start(unlimited).listening();
  await expect.poll(() => statuses(again), { timeout: 30_000 }).toEqual({ '+4915112345671': 'DELIVERED', '+4915112345670': 'FAILED' });
});
