/** The queue is full: the work was refused and not run. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
}

export interface QueueOptions {
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** How many jobs may wait, of all origins together. */
  readonly maxWaiting: number;
  /** How many jobs of one origin may wait. */
  readonly maxWaitingPerOrigin: number;
}

interface Queue {
  /**
   * Runs `work` when its turn comes. Origins take turns (round robin), so that one with much work delays only itself.
   * @param origin the source of the work; work without an origin goes first and is never refused
   * @throws QueueFullError
   */
  run<Result>(work: () => Promise<Result>, origin?: string): Promise<Result>;
}

/** Creates a queue that runs a bounded number of jobs at once, in fair order, and refuses jobs beyond a bounded backlog. */
export function createQueue({ concurrency, maxWaiting, maxWaitingPerOrigin }: QueueOptions): Queue {
  const urgent: (() => void)[] = [];
  /** The waiting jobs by origin, in the order of their turns: the first origin is next. */
  const waiting = new Map<string, (() => void)[]>();
  let active = 0;
  let waitingCount = 0;

  function next(): (() => void) | undefined {
    const first = urgent.shift();
    if (first) return first;
    const [turn] = waiting;
    if (!turn) return undefined;
    const [origin, starts] = turn;
    const start = starts.shift();
    waiting.delete(origin);
    if (starts.length > 0) waiting.set(origin, starts);
    waitingCount -= 1;
    return start;
  }

  function waitForTurn(origin: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (origin === undefined) return void urgent.push(resolve);
      const starts = waiting.get(origin) ?? [];
      if (waitingCount >= maxWaiting || starts.length >= maxWaitingPerOrigin)
        return reject(new QueueFullError(`the queue is full: ${waitingCount} jobs are waiting`));
      starts.push(resolve);
      waiting.set(origin, starts);
      waitingCount += 1;
    });
  }

  return {
    run: async (work, origin) => {
      if (active >= concurrency) await waitForTurn(origin);
      else active += 1;
      try {
        return await work();
      } finally {
        const start = next();
        // The slot is handed over without becoming free, so that no new job can take it in between.
        if (start) start();
        else active -= 1;
      }
    },
  };
}
