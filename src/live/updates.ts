import type { EventStream } from './stream.ts';
import type { LiveEvent } from './tail.ts';

/** One result of a subscription, serialized. */
export interface Rendered {
  /** An ExecutionResult as JSON. */
  readonly json: string;
  /** The reader's position in the log after this result. */
  readonly cursor?: string;
}

/** A reader in a fan-out. */
export interface Reader {
  /**
   * Takes results to send.
   * @returns false if it cannot, because it has not sent the previous ones yet
   */
  take(results: readonly Rendered[]): boolean;
  /** Leaves the fan-out and continues with a private stream, from where the reader is. */
  resume(updates: Updates<object>): void;
}

/** Renders each result once and sends it to all readers. */
export interface FanOut {
  remove(reader: Reader): void;
}

/** Turns updates into results. */
export interface Renderer {
  /** Equal for renderers whose results are equal. */
  readonly key: string;
  render(updates: readonly object[]): Promise<readonly Rendered[]>;
}

/** A subscription's updates, one by one. `return` ends them at any time, even before the first. */
export interface Updates<Update> extends AsyncIterableIterator<Update> {
  return(): Promise<IteratorResult<Update>>;
  /** Lists the next updates that are ready, at most `count`, without consuming them: they may be prepared together. */
  upcoming(count: number): readonly Update[];
  /**
   * Moves the reader to a fan-out, which sends it every further result, and ends these updates.
   * @returns `undefined` if it cannot: the reader has not consumed everything yet, or no other reader could share its results
   */
  share(renderer: Renderer, reader: Reader): FanOut | undefined;
}

/** The updates that a batch of events holds for a subscriber. */
export interface SelectedUpdates<Update> {
  readonly updates: readonly Update[];
  /** Whether they are the subscription's last. */
  readonly isLast?: boolean;
}

/**
 * Creates a subscription's updates from a stream of events.
 * @param first updates to begin with
 * @param stream if absent, `first` is all
 * @param select turns a batch of the stream into updates
 * @param join adds a reader that has consumed everything of the stream to a fan-out
 */
export function createUpdates<Update>(
  first: readonly Update[],
  stream?: EventStream,
  select: (events: readonly LiveEvent[]) => SelectedUpdates<Update> = () => ({ updates: [] }),
  join: Updates<Update>['share'] = () => undefined,
): Updates<Update> {
  let ready = first;
  let consumed = 0;
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
      consumed = 0;
      if (isLast) end();
    } catch (error) {
      end();
      throw error;
    }
  }

  const updates: Updates<Update> = {
    next: async () => {
      while (consumed === ready.length && !ended) await fill();
      const value = ready[consumed];
      if (value === undefined) return { done: true, value: undefined };
      consumed += 1;
      return { done: false, value };
    },
    return: async () => {
      ready = [];
      consumed = 0;
      end();
      return { done: true, value: undefined };
    },
    upcoming: (count) => ready.slice(consumed, consumed + count),
    share: (renderer, reader) => {
      if (ended || consumed < ready.length || !stream?.isCaughtUp()) return undefined;
      const fanOut = join(renderer, reader);
      if (fanOut) end();
      return fanOut;
    },
    [Symbol.asyncIterator]: () => updates,
  };
  return updates;
}

/**
 * Creates the updates of a reader that polls with others, and shares no results with them.
 * @param steps its updates
 * @param leave removes the reader, if it is still there, and ends its steps, whatever they wait for
 */
export function createPolledUpdates<Update>(steps: AsyncGenerator<Update, undefined>, leave: () => void): Updates<Update> {
  const updates: Updates<Update> = {
    next: () => steps.next(),
    return: async () => {
      leave();
      return steps.return(undefined);
    },
    upcoming: () => [],
    share: () => undefined,
    [Symbol.asyncIterator]: () => updates,
  };
  return updates;
}
