import type { EventStream } from './stream.ts';
import type { LiveEvent } from './tail.ts';

/** One answer of a stream, as JSON text of an ExecutionResult, and the cursor that it brings its reader to. */
export interface Rendered {
  readonly json: string;
  readonly cursor?: string;
}

/** One of those whom a fan-out gives each answer that it makes once for all. */
export interface Reader {
  /** Takes answers at once. @returns false where it can't, since it has not sent off those before */
  take(answers: readonly Rendered[]): boolean;
  /** It is in the fan-out no longer, and goes on alone with these, from where it is. */
  goOn(updates: Updates<object>): void;
}

/** What is made once for all readers of a fan-out. */
export interface FanOut {
  remove(reader: Reader): void;
}

/** How a fan-out makes answers of updates, and what they depend on beside the updates. */
export interface Sharing {
  readonly key: string;
  render(updates: readonly object[]): Promise<readonly Rendered[]>;
}

/** What a subscription sends, one by one. `return` ends it at any moment, also before the first. */
export interface Updates<Update> extends AsyncIterableIterator<Update> {
  return(): Promise<IteratorResult<Update>>;
  /** What comes next and can be had without waiting, at most `count` of it: it may be made ready together. */
  upcoming(count: number): readonly Update[];
  /**
   * Leaves what comes from here on to a fan-out, and ends. `undefined` where it can't: something is there that its reader has not got yet, or
   * nobody else could want the same.
   */
  share(sharing: Sharing, reader: Reader): FanOut | undefined;
}

/** What a batch of events is for a subscriber, and whether nothing follows. */
export interface Selected<Update> {
  readonly updates: readonly Update[];
  readonly isLast?: boolean;
}

/**
 * Updates of a stream, as `select` makes them of its batches, behind those that are there `first`. Without a stream, those alone.
 * @param join puts a reader who has all that the stream has into a fan-out
 */
export function createUpdates<Update>(
  first: readonly Update[],
  stream?: EventStream,
  select: (events: readonly LiveEvent[]) => Selected<Update> = () => ({ updates: [] }),
  join: Updates<Update>['share'] = () => undefined,
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
    share: (sharing, reader) => {
      if (ended || at < ready.length || !stream?.isLevel()) return undefined;
      const fanOut = join(sharing, reader);
      if (fanOut) end();
      return fanOut;
    },
    [Symbol.asyncIterator]: () => updates,
  };
  return updates;
}
