/** Too many wait already. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
}

export interface QueueOptions {
  /** How much runs at once. */
  readonly running: number;
  /** How much may wait, and of it for one origin. */
  readonly waiting: number;
  readonly waitingOfOne: number;
}

export interface Queue {
  /**
   * Runs `work` when it is its turn: the origins take turns, so that one that asks much waits behind itself.
   * @param origin whose work it is. Without one it comes first and is never refused
   * @throws QueueFullError
   */
  run<Result>(work: () => Promise<Result>, origin?: string): Promise<Result>;
}

/** Does little at once, and lets little wait. */
export function createQueue({ running, waiting, waitingOfOne }: QueueOptions): Queue {
  const first: (() => void)[] = [];
  /** In the order of their turns. */
  const turns = new Map<string, (() => void)[]>();
  let active = 0;
  let waits = 0;

  function next(): (() => void) | undefined {
    const urgent = first.shift();
    if (urgent) return urgent;
    const [turn] = turns;
    if (!turn) return undefined;
    const [origin, starts] = turn;
    const start = starts.shift();
    turns.delete(origin);
    if (starts.length > 0) turns.set(origin, starts);
    waits -= 1;
    return start;
  }

  function wait(origin: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (origin === undefined) return void first.push(resolve);
      const starts = turns.get(origin) ?? [];
      if (waits >= waiting || starts.length >= waitingOfOne) return reject(new QueueFullError(`${waits} wait already`));
      starts.push(resolve);
      turns.set(origin, starts);
      waits += 1;
    });
  }

  return {
    run: async (work, origin) => {
      if (active >= running) await wait(origin);
      else active += 1;
      try {
        return await work();
      } finally {
        const start = next();
        // Its place is handed on, so that nobody comes between.
        if (start) start();
        else active -= 1;
      }
    },
  };
}
