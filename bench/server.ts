import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { packageRoot } from '../src/database/package-root.ts';
import { spawnOn } from './machine.ts';

/** A server under measurement, as a process of its own. */
export interface Server {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  /** From its start to its first answer, in ms. */
  readonly readyMs: number;
  /** What it has printed so far. */
  output(): string;
  stop(): Promise<void>;
}

export interface ServeOptions {
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  /** Answered with 200 once it is ready. Where absent it is ready once it takes connections. */
  readonly path?: string;
  readonly patienceMs?: number;
}

const running = new Set<() => Promise<void>>();

/** Starts a server and waits for it. @throws Error with its output where it does not come */
export async function serve(name: string, core: string, command: readonly [string, ...string[]], options: ServeOptions): Promise<Server> {
  const { port, env, path, patienceMs = 30_000 } = options;
  const directory = mkdtempSync(join(tmpdir(), 'gateway-bench-'));
  const log = join(directory, 'log');
  const file = openSync(log, 'a');
  const began = performance.now();
  // A group of its own: npm's children end with it.
  const child = spawnOn(core, command, {
    cwd: packageRoot(),
    detached: true,
    stdio: ['ignore', file, file],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
  const exited = once(child, 'exit');
  const output = () => readFileSync(log, 'utf8');
  const stop = async () => {
    running.delete(stop);
    if (child.pid && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGTERM');
      await Promise.race([
        exited,
        delay(5000, undefined, { ref: false }).then(() => child.pid && child.exitCode === null && process.kill(-child.pid, 'SIGKILL')),
      ]);
    }
    rmSync(directory, { recursive: true, force: true });
  };
  running.add(stop);
  const url = `http://127.0.0.1:${port}`;
  while (!(await answers(port, path))) {
    if (child.exitCode !== null || performance.now() - began > patienceMs) {
      const said = output();
      await stop();
      throw new Error(`${name} did not start:\n${said}`);
    }
    await delay(5);
  }
  return { name, pid: child.pid ?? 0, port, url, readyMs: performance.now() - began, output, stop };
}

/** Whether it answers `path` with 200, or takes connections where there is no path to ask for. */
async function answers(port: number, path?: string): Promise<boolean> {
  try {
    if (path) return (await fetch(`http://127.0.0.1:${port}${path}`)).status === 200;
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.destroy();
    return true;
  } catch {
    return false;
  }
}

/** Ends every server that is still there. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((stop) => stop()));
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
