import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Redis of a test's own, which can be killed and started again, empty. */
export interface TestRedis {
  readonly url: string;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Runs commands, which must succeed. */
  readonly run: (...commands: readonly string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts one on a free port. @returns `undefined`, and says so, where there is no redis-server on this machine */
export async function startRedis(): Promise<TestRedis | undefined> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const directory = await mkdtemp(join(tmpdir(), 'gateway-redis-'));
  let stop = async () => {};

  async function start(): Promise<boolean> {
    const child = spawn('redis-server', ['--port', String(port), '--save', '', '--dir', directory], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const failed = once(child, 'error').then(() => false);
    const ready = (async () => {
      for await (const line of child.stdout.iterator({ destroyOnReturn: false })) {
        if (String(line).includes('Ready to accept connections')) return true;
      }
      return false;
    })();
    if (!(await Promise.race([failed, ready]))) return false;
    child.stdout.resume();
    stop = async () => {
      stop = async () => {};
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
    };
    return true;
  }

  if (!(await start())) {
    console.log('Redis is not tested: there is no redis-server here');
    return undefined;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    start: async () => {
      if (!(await start())) throw new Error('Redis does not start again');
    },
    stop: () => stop(),
    run: async (...commands) => {
      const socket = connect(port, '127.0.0.1');
      let answers = '';
      socket.on('data', (bytes) => {
        answers += bytes;
      });
      socket.write(commands.map((command) => `${command}\r\n`).join(''));
      socket.end('QUIT\r\n');
      await once(socket, 'close');
      if (answers !== '+OK\r\n'.repeat(commands.length + 1)) throw new Error(`Redis answers ${answers}`);
    },
    close: async () => {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
