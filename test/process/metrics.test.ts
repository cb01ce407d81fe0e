import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';
import type { FakeUser } from '../fakes/microsoft-state.ts';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { AUTHORIZATION, GatewayProcess } from './gateway-process.ts';
import { createSurroundings, freePort, type Surroundings } from './traffic.ts';

// A started gateway between fake platforms, scraped by a real Prometheus, which runs every expression of ops/.

const TOKEN = 'a-token-for-metrics';
const OPS = join(packageRoot(), 'ops');
const isInstalled = (command: string) => spawnSync('which', [command]).status === 0;
const opsFile = (name: string) => readFileSync(join(OPS, name), 'utf8');

let place: TestPlace;
let surroundings: Surroundings;
let gateway: GatewayProcess;
let url: string;
let metricsUrl: string;
let scraped = '';
/** It scrapes until the end. */
let prometheus: ChildProcess | undefined;
let directory: string | undefined;

beforeAll(async () => {
  [place, surroundings] = await Promise.all([createTestPlace('migrated'), createSurroundings()]);
  const { dataDir, databaseUrl } = place.settings;
  const port = await freePort();
  gateway = new GatewayProcess({
    ...surroundings.env,
    ...{ PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}`, METRICS_PORT: '0', METRICS_TOKEN: TOKEN },
    ...(databaseUrl === undefined ? { DATA_DIR: dataDir } : { DATABASE_URL: databaseUrl }),
  });
  url = await gateway.listening();
  metricsUrl = `${/"metricsUrl":"([^"]+)"/.exec(gateway.stdout)?.[1]}/metrics`;
  const { restcomm, microsoft, bot } = surroundings;
  await surroundings.populate(url, 1);
  const [user, number] = [microsoft.users[0] as FakeUser, restcomm.numbers[0]?.phoneNumber ?? ''];
  await restcomm.receiveSms({ from: '+49301111', to: number, body: 'to Teams' });
  const activity = microsoft.activityFrom(bot, user, '+49302221 to a phone');
  const signed = { authorization: await microsoft.signActivity(activity), 'content-type': 'application/json' };
  await (await fetch(`${url}/api/messages`, { method: 'POST', headers: signed, body: JSON.stringify(activity) })).text();
  await (await fetch(`${url}/msteams/enterprises/search`, { headers: { authorization: AUTHORIZATION } })).text();
  await (await fetch(`${url}/graphql`, { method: 'POST', headers: { authorization: 'Basic eDp5' }, body: '{}' })).text();
  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json', accept: 'text/event-stream' };
  const body = JSON.stringify({ query: 'subscription { messageEvents { ... on Bookmark { cursor } } }' });
  const stream = await fetch(`${url}/graphql`, { method: 'POST', headers, body });
  scraped = await until(async () => {
    const text = await (await fetch(metricsUrl, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
    return /direction="OUTBOUND",status="DELIVERED"/.test(text) && /direction="INBOUND",status="DELIVERED"/.test(text) && text;
  });
  await stream.body?.cancel();
});
afterAll(async () => {
  await gateway?.end('SIGKILL');
  prometheus?.kill('SIGKILL');
  if (prometheus) await once(prometheus, 'close');
  if (directory) await rm(directory, { recursive: true, force: true });
  await surroundings?.close();
  await place?.remove();
});

test('are read with the token, on their own port only', async () => {
  const statusOf = async (address: string, headers = {}) => {
    const response = await fetch(address, { headers });
    await response.text();
    return response.status;
  };
  expect(await statusOf(metricsUrl)).toBe(401);
  expect(await statusOf(metricsUrl, { authorization: 'Bearer another-token-for-metrics' })).toBe(401);
  expect(await statusOf(metricsUrl.replace('/metrics', '/graphql'))).toBe(404);
  expect(await statusOf(`${url}/metrics`, { authorization: `Bearer ${TOKEN}` })).toBe(404);
});

test('show what has happened', () => {
  const lines = [
    /^gateway_request_duration_seconds_count\{face="(teams|restcomm)",status="2xx"\} [1-9]/m,
    /^gateway_request_duration_seconds_count\{face="graph",status="4xx"\} 1$/m,
    /^gateway_operations_total\{face="contract",kind="query",operation="[a-z]\w+",outcome="OK",way="\w+"\} 1$/m,
    /^gateway_operations_total\{face="graph",kind="mutation",operation="createMapping",outcome="OK",way="general"\} 1$/m,
    /^gateway_operations_total\{face="graph",kind="subscription",operation="messageEvents",outcome="OK",way="general"\} 1$/m,
    /^gateway_messages_total\{direction="INBOUND",status="QUEUED",reason=""\} [1-9]/m,
    /^gateway_messages_total\{direction="INBOUND",status="DELIVERED",reason=""\} [1-9]/m,
    /^gateway_outbox_messages\{platform="carrier"\} \d+$/m,
    /^gateway_outbox_oldest_seconds\{platform="teams"\} [\d.e-]+$/m,
    /^gateway_messages_stuck \d+$/m,
    /^gateway_streams 1$/m,
    /^gateway_database_up 1$/m,
    /^gateway_database_connections\{pool="main",state="idle"\} \d+$/m,
    /^gateway_database_statement_duration_seconds_count\{pool="main",outcome="done"\} \d+$/m,
    /^gateway_platform_call_duration_seconds_count\{service="restcomm",outcome="20[01]"\} \d+$/m,
    /^gateway_platform_call_duration_seconds_count\{service="connector",outcome="201"\} \d+$/m,
    /^gateway_cache_lookups_total\{cache="mappings",result="\w+"\} \d+$/m,
    /^gateway_job_duration_seconds_count\{job_name="fold-usage",outcome="done"\} [1-9]/m,
    /^nodejs_eventloop_lag_p99_seconds [\d.e-]+$/m,
  ];
  expect(lines.filter((line) => !line.test(scraped))).toEqual([]);
});

test('have no label with a sid, a number or a text, and few values', () => {
  const labels = [...scraped.matchAll(/^\w+\{(.*)\} /gm)].map(([, found = '']) => found.replace(/le="[^"]*"/, ''));
  expect(labels.filter((found) => /[A-Z]{2}[0-9a-f]{32}|\d{5}|@|#\d/.test(found))).toEqual([]);
  expect(scraped.split('\n').length).toBeLessThan(3000);
});

const isHere = isInstalled('prometheus') && isInstalled('promtool');
if (!isHere) console.log('Prometheus is not tested: it is not installed here');

describe.skipIf(!isHere)('Prometheus', () => {
  let api: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gateway-prometheus-'));
    api = `http://127.0.0.1:${await freePort()}`;
    writeFileSync(join(directory, 'token'), TOKEN);
    const config = opsFile('prometheus.yml')
      .replace('localhost:9464', new URL(metricsUrl).host)
      .replaceAll('15s', '1s')
      .replace('alerts.yml', join(OPS, 'alerts.yml'))
      .replace('# authorization', 'authorization')
      .replace('#   credentials_file: metrics-token', `  credentials_file: ${join(directory, 'token')}`);
    writeFileSync(join(directory, 'prometheus.yml'), config);
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=${new URL(api).host}`,
      ],
      { stdio: 'ignore' },
    );
    await until(async () => (await query('up == 1 and gateway_database_up').catch(() => [])).length > 0);
  });
  async function query(expression: string): Promise<readonly object[]> {
    const response = await fetch(`${api}/api/v1/query?${new URLSearchParams({ query: expression })}`);
    const { status, data, error } = await response.json();
    if (status !== 'success') throw new Error(`${expression}: ${error}`);
    return data.result;
  }

  test('finds the rules valid, and their unit tests pass', () => {
    execFileSync('promtool', ['check', 'config', join(OPS, 'prometheus.yml')], { stdio: 'pipe' });
    execFileSync('promtool', ['test', 'rules', join(OPS, 'alerts.test.yml')], { stdio: 'pipe' });
  });

  test('runs every rule, and none fires for lack of metrics', async () => {
    type Rule = { name: string; query: string; health: string; state: string; lastError?: string };
    const rules = await until(async () => {
      const { data } = await (await fetch(`${api}/api/v1/rules`)).json();
      const found: Rule[] = data.groups.flatMap((group: { rules: Rule[] }) => group.rules);
      // It was pending until the first scrape.
      const isDown = found.some(({ name, state }) => name === 'GatewayDown' && state === 'pending');
      return found.length > 0 && found.every(({ health }) => health !== 'unknown') && !isDown && found;
    });
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(rules.filter(({ name, state }) => state !== 'inactive' && /Down|Away/.test(name))).toEqual([]);
    expect(unknownMetrics(rules.map((rule) => rule.query))).toEqual([]);
  });

  test('runs every expression of the dashboard', async () => {
    const panels: { title: string; targets?: { expr: string }[] }[] = JSON.parse(opsFile('dashboard.json')).panels;
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')));
    expect(expressions.length).toBeGreaterThan(20);
    for (const expression of expressions) await query(expression);
    expect(unknownMetrics(expressions)).toEqual([]);
  });
});

test('end with the gateway, while they are scraped and connections are open', async () => {
  const spare = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  await once(spare, 'connect');
  const began = performance.now();
  expect(await gateway.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(performance.now() - began).toBeLessThan(3000);
  expect(gateway.stdout).not.toContain('cut off');
});

/** The metrics that expressions name and the gateway does not have. */
function unknownMetrics(expressions: readonly string[]): string[] {
  const suffixes: Record<string, string[]> = { counter: ['_total'], histogram: ['_bucket', '_count', '_sum'], gauge: [''] };
  const known = new Set(
    [...scraped.matchAll(/^# TYPE (\S+) (\w+)$/gm)].flatMap(([, name = '', type = '']) => (suffixes[type] ?? []).map((one) => name + one)),
  );
  const named = expressions.flatMap((text) => [...text.matchAll(/(?<![\w:])(?:gateway|nodejs|process)_\w+/g)].map(([name]) => name));
  return [...new Set(named)].filter((name) => !known.has(name));
}

test('docs/operating.md has a section for each alert, and none for others', () => {
  const alerts = [...opsFile('alerts.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const text = readFileSync(join(packageRoot(), 'docs/operating.md'), 'utf8');
  const section = /\n## Alerts\n([\s\S]*?)\n## /.exec(text)?.[1] ?? '';
  expect([...section.matchAll(/^### (\w+)$/gm)].map(([, name]) => name)).toEqual(alerts);
});
