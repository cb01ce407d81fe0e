import { once } from 'node:events';
import { mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';
import { ACCOUNT_SID, AUTH_TOKEN, GatewayProcess } from './gateway-process.ts';

const SOURCE = 'src/wake-up.ts';

let dataDir: string;
let dev: GatewayProcess | undefined;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gateway-dev-'));
});
afterEach(async () => {
  await dev?.end('SIGTERM');
  await rm(dataDir, { recursive: true, force: true });
});

function start(port: number): GatewayProcess {
  dev = new GatewayProcess(
    { DATA_DIR: dataDir, PORT: String(port), BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN },
    [process.execPath, 'dev.mjs'],
  );
  return dev;
}

/** Listens on a free port of this machine. */
async function takePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const free = async () => {
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, free };
}

/** What a watcher sees of a save, with the times left as they are: a newer source would have other tests build again. */
async function touch(): Promise<void> {
  const path = join(packageRoot(), SOURCE);
  const { atimeMs, mtimeMs } = await stat(path);
  await utimes(path, atimeMs / 1000, mtimeMs / 1000);
}

const readiness = (port: number) => fetch(`http://127.0.0.1:${port}/health/ready`).then(({ status }) => status);

function pidsOf(gateway: GatewayProcess): number[] {
  return [...gateway.stdout.matchAll(/"pid":(\d+).*"msg":"listening"/g)].map(([, pid]) => Number(pid));
}

test('npm run dev restarts the gateway when a source is saved, on the same database, and ends with it', async () => {
  const { port, free } = await takePort();
  await free();
  const running = start(port);
  await running.says('"msg":"listening"');
  expect(await readiness(port)).toBe(200);

  await touch();
  await running.says(/"msg":"stopped"[\s\S]*"msg":"listening"/);
  expect(running.stdout).toContain(`dev: restarting, changed: ${SOURCE}`);
  expect(await readiness(port)).toBe(200);
  expect(running.stderr).toBe('');

  expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
  const pids = pidsOf(running);
  expect(pids).toHaveLength(2);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('npm run dev outlives a gateway that fails, reports it once, and starts it at the next change', async () => {
  const { port, free } = await takePort();
  const running = start(port);
  await running.says('dev: the gateway ended (exit code 1), waiting for a change');
  await free();
  await touch();
  await running.says('"msg":"listening"');
  expect(await readiness(port)).toBe(200);
  expect(running.stdout.match(/waiting for a change/g)).toHaveLength(1);
});
