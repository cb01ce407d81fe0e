import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Command, Measured } from './live-clients.ts';
import { LOAD_CORE, pin } from './machine.ts';

/** bench/live-clients.ts as a process of its own on the load's core: many readers of one server. */
export class Readers {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(fileURLToPath(new URL('live-clients.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
    pin(this.pid, LOAD_CORE);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async tell(command: Command): Promise<void> {
    const answered = this.#next();
    this.#child.send(command);
    await answered;
  }

  /** What arrives of `texts` texts at every reader, which `send` sends. */
  async measure(texts: number, send: () => Promise<void>): Promise<Measured> {
    await this.tell({ do: 'measure', texts });
    const measured = this.#next();
    await send();
    return (await measured) as Measured;
  }

  /** @throws Error where the readers end before they answer */
  async #next(): Promise<unknown> {
    const ended = new AbortController();
    const gone = once(this.#child, 'exit', { signal: ended.signal }).then(([code]) => {
      throw new Error(`The readers ended with ${code}`);
    });
    gone.catch(() => {});
    try {
      const [message] = (await Promise.race([once(this.#child, 'message', { signal: ended.signal }), gone])) as [unknown];
      return message;
    } finally {
      ended.abort();
    }
  }

  end(): void {
    this.#child.kill();
  }
}
