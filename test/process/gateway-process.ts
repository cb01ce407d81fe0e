import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../src/database/package-root.ts';

export const ACCOUNT_SID = `AC${'0'.repeat(31)}1`;
export const AUTH_TOKEN = 'process-test-token-1';
export const AUTHORIZATION = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;
export const SECRETS_KEY = Buffer.alloc(32, 7).toString('base64');

/** The built gateway as a process of its own, as `npm start` runs it. */
export class GatewayProcess {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  /**
   * @param command what starts it, and its arguments
   * @param cwd its working directory
   */
  constructor(
    env: Record<string, string | undefined>,
    command: readonly string[] = [process.execPath, join(packageRoot(), 'dist', 'main.js')],
    cwd = packageRoot(),
  ) {
    const [program = '', ...given] = command;
    this.child = spawn(program, given, {
      cwd,
      env: { PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'info', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (data) => {
      this.stdout += data;
    });
    this.child.stderr?.on('data', (data) => {
      this.stderr += data;
    });
    this.exited = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  /** Waits until stdout has the text. @throws Error with all output where the process ends before */
  async says(text: string | RegExp): Promise<void> {
    const said = () => (typeof text === 'string' ? this.stdout.includes(text) : text.test(this.stdout));
    let ended = false;
    const exited = this.exited.then(() => {
      ended = true;
    });
    while (!said()) {
      if (ended) throw new Error(`The gateway ended before it said ${text}:\n${this.stdout}\n${this.stderr}`);
      await Promise.race([once(this.child.stdout as NonNullable<typeof this.child.stdout>, 'data'), exited]);
    }
  }

  /** Waits until it listens. @returns its address */
  async listening(): Promise<string> {
    await this.says(/"msg":"listening"/);
    const url = /listening on (http:\S+)/.exec(this.stdout)?.[1];
    if (!url) throw new Error(`No address in:\n${this.stdout}`);
    return url;
  }

  async end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.child.kill(signal);
    return this.exited;
  }
}
