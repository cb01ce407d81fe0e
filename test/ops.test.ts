import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ChannelStatus, MessageHoldReason } from '../prisma/client/client.ts';
import { LIMITS } from '../src/admission/observed.ts';
import { FACES } from '../src/app.ts';
import { packageRoot } from '../src/database/package-root.ts';
import { parseEnv } from '../src/env.ts';
import { variables } from '../src/env-variables.ts';
import { JOB_OUTCOMES } from '../src/exchange/jobs/jobs.ts';
import { FAULTS, type OperationReport } from '../src/execution/operations.ts';
import { CONNECTION_STATES } from '../src/metrics/database.ts';
import { CLASSES } from '../src/metrics/faces.ts';
import { NO_RESPONSE } from '../src/platforms/request.ts';

// The files of ops/ that set up the gateway. test/process/metrics.test.ts runs those of Prometheus and Grafana.

const fileOf = (...path: string[]) => readFileSync(join(packageRoot(), 'ops', ...path), 'utf8');
const KEY = Buffer.alloc(32, 1).toString('base64');
/** Values for what the files leave to the operator. */
const GIVEN: Readonly<Record<string, string>> = {
  SECRETS_KEY: KEY,
  RESTCOMM_ACCOUNT_SID: `AC${'a'.repeat(32)}`,
  RESTCOMM_AUTH_TOKEN: 'a-token-of-restcomm',
};

/** The variables that a file sets, with their values. */
const settingsOf = (text: string, line: RegExp) =>
  [...text.matchAll(line)].map(([, name = '', value = '']) => [name, value.replaceAll('"', '') || GIVEN[name]] as const);

test('the manifests set variables that the gateway has, to values that it takes', () => {
  const [deployment, secret] = [fileOf('kubernetes', 'deployment.yaml'), fileOf('kubernetes', 'secret.example.yaml')];
  const set = [
    ...settingsOf(deployment, /\{ name: ([A-Z][A-Z_]+), value: (.*?) \}/g),
    ...settingsOf(secret, /^ {2}([A-Z][A-Z_]+): (.*)$/gm),
  ];
  expect(set.map(([name]) => name).filter((name) => !(name in variables.shape))).toEqual([]);
  const settings = parseEnv(Object.fromEntries([...set, ['NODE_ENV', 'production'], ['HOST', '0.0.0.0']]));
  expect(settings).toMatchObject({ databaseUrl: expect.any(String), metrics: { host: '0.0.0.0', port: 9464 } });
  const ports = [...deployment.matchAll(/containerPort: (\d+)/g)].map(([, port]) => Number(port));
  expect(ports).toEqual([settings.port, settings.metrics?.port]);
});

test('the compose file and the image set variables that the gateway has', () => {
  const [gateway = ''] = fileOf('image', 'compose.yaml').split('\n  postgres:\n');
  const composed = [...gateway.matchAll(/^ {6}([A-Z][A-Z_]+): /gm)].map(([, name]) => name ?? '');
  const [, line = ''] = /^ENV (.*)$/m.exec(fileOf('image', 'Dockerfile')) ?? [];
  const built = [...line.matchAll(/([A-Z_]+)=/g)].map(([, name]) => name ?? '');
  expect([composed.length, built.length]).toEqual([5, 4]);
  expect([...composed, ...built].filter((name) => !(name in variables.shape))).toEqual([]);
});

test('kustomization.yaml applies every manifest but the example of a secret', () => {
  const files = readdirSync(join(packageRoot(), 'ops', 'kubernetes')).filter((file) => !/^kustomization|example/.test(file));
  expect([...fileOf('kubernetes', 'kustomization.yaml').matchAll(/^ {2}- (\S+\.yaml)$/gm)].map(([, file]) => file).sort()).toEqual(
    files.sort(),
  );
});

test('the keys for compose are created once, in a file that it reads for every command and that no build or commit contains', () => {
  const [, command = ''] = /^(\(umask .*ops\/image\/\.env\))$/m.exec(readFileSync(join(packageRoot(), 'docs/operating.md'), 'utf8')) ?? [];
  const directory = mkdtempSync(join(tmpdir(), 'compose-'));
  const file = join(directory, 'ops', 'image', '.env');
  mkdirSync(dirname(file), { recursive: true });
  const run = () => spawnSync('sh', ['-c', command], { cwd: directory, encoding: 'utf8' });
  expect(run()).toMatchObject({ status: 0, stderr: '' });
  const text = readFileSync(file, 'utf8');
  expect(statSync(file).mode & 0o077).toBe(0);
  const keys = Object.fromEntries(text.split('\n').flatMap((line) => (line ? [line.split(/=(.*)/s).slice(0, 2)] : [])));
  // Those that compose refuses to go on without.
  const needed = [...fileOf('image', 'compose.yaml').matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name);
  expect(new Set(Object.keys(keys))).toEqual(new Set(needed));
  expect(
    parseEnv({ SECRETS_KEY: keys.SECRETS_KEY, DATABASE_URL: `postgresql://gateway:${keys.POSTGRES_PASSWORD}@postgres:5432/gateway` }),
  ).toBeTruthy();
  expect(run().status).not.toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text);
  rmSync(directory, { recursive: true });

  const lines = (path: string) => readFileSync(join(packageRoot(), path), 'utf8').split('\n');
  expect(lines('ops/image/Dockerfile.dockerignore')).toContain('**/.env');
  expect(lines('.gitignore')).toContain('.env');
});

const STATUSES = Array.from({ length: 500 }, (_, index) => String(index + 100));
/** The values of the labels that the rules ask for, as the code has them. */
const LABELS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  gateway_request_duration_seconds: { face: FACES, status: CLASSES },
  gateway_operations_total: { face: ['graph', 'contract'] satisfies OperationReport['face'][], outcome: FAULTS },
  gateway_messages_total: { status: Object.values(ChannelStatus) },
  gateway_lanes_held: { reason: Object.values(MessageHoldReason) },
  gateway_platform_call_duration_seconds: { outcome: [...STATUSES, ...NO_RESPONSE] },
  gateway_webhook_requests_total: { status: CLASSES },
  gateway_database_connections: { state: CONNECTION_STATES },
  gateway_job_duration_seconds: { outcome: JOB_OUTCOMES },
  gateway_refused_total: { limit: LIMITS },
};

test('the rules for alerts ask for values of labels that the metrics have', () => {
  const selectors = [...fileOf('alerts.yml').matchAll(/\b(gateway_\w+)\{([^{}]+)\}/g)];
  const asked = selectors.flatMap(([, metric = '', matchers = '']) =>
    [...matchers.matchAll(/(\w+)(?:=~|!=|=)"([^"]+)"/g)].flatMap(([, label = '', values = '']) =>
      values.split('|').map((value) => ({ metric: metric.replace(/_(count|bucket)$/, ''), label, value })),
    ),
  );
  expect(asked.length).toBeGreaterThan(20);
  const isKnown = ({ metric, label, value }: (typeof asked)[number]) =>
    LABELS[metric]?.[label]?.some((known) => new RegExp(`^(?:${value})$`).test(known));
  expect(asked.filter((one) => !isKnown(one))).toEqual([]);
  // And every fault of an operation, or that one would go unnoticed.
  expect(
    asked.flatMap(({ metric, label, value }) => (metric === 'gateway_operations_total' && label === 'outcome' ? [value] : [])),
  ).toEqual(FAULTS);
});

const has = (program: string) => spawnSync(program, ['--help']).error === undefined;

test.skipIf(!has('kubectl'))('kubectl renders the manifests: who reaches which port, without query strings in a log', () => {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(packageRoot(), 'ops', 'kubernetes')], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const manifests = new Map(stdout.split('\n---\n').map((text) => [/^kind: (\w+)$/m.exec(text)?.[1] ?? '', text]));
  expect([...manifests.keys()].sort()).toEqual(['Deployment', 'Ingress', 'NetworkPolicy', 'PodDisruptionBudget', 'Service']);
  const [deployment = '', policy = ''] = [manifests.get('Deployment'), manifests.get('NetworkPolicy')];
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  expect(deployment).toContain(`image: registry.example/teams-sms-gateway:${version}`);
  expect(manifests.get('Ingress')).toContain('nginx.ingress.kubernetes.io/enable-access-log: "false"');
  // The policy selects the deployment's pods, and names each of its ports.
  const label = 'matchLabels:\n      app.kubernetes.io/name: teams-sms-gateway\n';
  expect([deployment.includes(label), policy.includes(label)]).toEqual([true, true]);
  const ports = [...deployment.matchAll(/containerPort: \d+\n\s+name: (\w+)/g)].map(([, name]) => name);
  expect([...policy.matchAll(/- port: (\w+)/g)].map(([, name]) => name)).toEqual(ports);
  // A deployment must not be given up while its startup probe still waits.
  const numberOf = (name: string, text = deployment) => Number(new RegExp(`${name}: (\\d+)`).exec(text)?.[1]);
  const probe = deployment.slice(deployment.indexOf('startupProbe:'));
  expect(numberOf('progressDeadlineSeconds')).toBeGreaterThan(numberOf('failureThreshold', probe) * numberOf('periodSeconds', probe));
});

test("the examples for Prometheus find the pods' port, under the job's name that the alerts need", () => {
  const [, job] = /up\{job="([^"]+)"\}/.exec(fileOf('alerts.yml')) ?? [];
  const monitor = fileOf('kubernetes', 'pod-monitor.example.yaml');
  expect(monitor).toContain('jobLabel: app.kubernetes.io/name\n');
  expect(fileOf('kubernetes', 'deployment.yaml')).toContain(`      labels: { app.kubernetes.io/name: ${job} }`);
  expect(monitor).toContain(`matchLabels: { app.kubernetes.io/name: ${job} }`);
  expect(monitor).toContain('{ port: metrics,');
  const scraped = fileOf('kubernetes', 'prometheus.example.yaml');
  expect(scraped).toContain(`job_name: ${job}\n`);
  expect(scraped).toContain(`regex: ${job};metrics\n`);
});
