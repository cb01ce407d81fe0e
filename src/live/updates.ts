import type { EventStream } from './stream.ts';
import type { LiveEvent } from './tail.ts';

/** What a subscription sends, one by one. `return` ends it at any moment, also before the first. */
export interface Updates<Update> extends AsyncIterableIterator<Update> {
  return(): Promise<IteratorResult<Update>>;
  /** What comes next and can be had without waiting, at most `count` of it: it may be made ready together. */
  upcoming(count: number): readonly Update[];
}

/** What a batch of events is for a subscriber, and whether nothing follows. */
export interface Selected<Update> {
  readonly updates: readonly Update[];
  readonly isLast?: boolean;
}

/** Updates of a stream, as `select` makes them of its batches, behind those that are there `first`. Without a stream, those alone. */
export function createUpdates<Update>(
  first: readonly Update[],
  stream?: EventStream,
  select: (events: readonly LiveEvent[]) => Selected<Update> = () => ({ updates: [] }),
): Updates<Update> {
  let ready = first;
  let at = 0;
  let ended = stream === undefined;

  function end(): void {
    ended = true;
    stream?.close();
  }

  async function fill(): Promise<void> {
    try {
      const batch = await stream?.next();
      if (!batch || batch.done) return end();
      const { updates, isLast } = select(batch.value);
      ready = updates;
      at = 0;
      if (isLast) end();
    } catch (error) {
      end();
      throw error;
    }
  }

  const updates: Updates<Update> = {
    next: async () => {
      while (at === ready.length && !ended) await fill();
      const value = ready[at];
      if (value === undefined) return { done: true, value: undefined };
      at += 1;
      return { done: false, value };
    },
    return: async () => {
      ready = [];
      at = 0;
      end();
      return { done: true, value: undefined };
    },
    upcoming: (count) => ready.slice(at, at + count),
    [Symbol.asyncIterator]: () => updates,
  };
  return updates;
}
