interface SharedRead<Result> {
  readonly result: Promise<Result>;
  hasBegun: boolean;
}

/**
 * Shares reads: equal requests that arrive in one turn of the event loop, or while an equal read runs, get the result of one read. No result was read before
 * it was requested.
 * @returns a function that reads, or joins a read with the same `key` that has not begun
 */
export function createSharedReads<Result>(): (key: string, read: () => Promise<Result>) => Promise<Result> {
  /** The last read of each key. */
  const last = new Map<string, SharedRead<Result>>();
  return (key, read) => {
    const before = last.get(key);
    if (before && !before.hasBegun) return before.result;
    const turn: Promise<unknown> = before ? before.result.catch(() => {}) : new Promise(setImmediate);
    const run = async (): Promise<Result> => {
      await turn;
      next.hasBegun = true;
      try {
        return await read();
      } finally {
        if (last.get(key) === next) last.delete(key);
      }
    };
    const next: SharedRead<Result> = { result: run(), hasBegun: false };
    last.set(key, next);
    return next.result;
  };
}
