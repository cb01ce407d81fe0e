import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../src/database/package-root.ts';
import { parseEnv } from '../src/env.ts';
import { variables } from '../src/env-variables.ts';

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
