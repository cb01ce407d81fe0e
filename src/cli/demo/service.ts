import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program that was started and listens. */
export interface Service {
  /** What it printed of its address: the first group of `listening`. */
  readonly address: string;
  /** Resolves once it has ended, by itself or by `stop`, with what it printed. */
  readonly ended: Promise<string>;
  /** Ends it, and resolves once it has ended. */
  stop(): Promise<void>;
}

interface ServiceOptions {
  /** Arguments of node. */
  readonly args: readonly string[];
  /** Its whole environment, apart from PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What it prints once it listens, with its address as the first group. */
  readonly listening: RegExp;
}

/** In characters, of what a program printed last. */
const KEPT = 10_000;

/**
 * Starts a node program and waits until it listens. It has a process group of its own: a terminal's Ctrl-C ends it through `stop` alone, in order.
 * @throws Error with what it printed, if it ends before it listens
 */
export async function startService({ args, env, cwd, listening }: ServiceOptions): Promise<Service> {
  const child = spawn(process.execPath, args, {
    ...{ cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { PATH: process.env.PATH, ...env },
  });
  const kill = () => void child.kill('SIGTERM');
  // If this process fails.
  process.once('exit', kill);
  let printed = '';
  const ended = once(child, 'close').then(() => {
    process.off('exit', kill);
    return printed;
  });
  const address = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data) => {
        printed = `${printed}${data}`.slice(-KEPT);
        const found = listening.exec(printed)?.[1];
        if (found) resolve(found);
      });
    }
    child.once('error', reject);
    ended.then(() => reject(new Error(printed.trim() || 'It ended at once')), reject);
  });
  return {
    address,
    ended,
    stop: async () => {
      kill();
      await ended;
    },
  };
}
