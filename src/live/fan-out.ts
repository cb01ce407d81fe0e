import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { isGap } from '../domain/events/events.ts';
import type { Follower, LiveEvent, Tail } from './tail.ts';
import type { FanOut, Reader, Rendered, Renderer, Updates } from './updates.ts';

interface FanOutOptions {
  readonly tail: Tail;
  /** Selects the updates to send for a batch of consecutive events. An empty batch means that no event has arrived for a while. */
  readonly select: (events: readonly LiveEvent[]) => readonly object[];
  readonly render: Renderer['render'];
  /**
   * Opens a private stream for one reader.
   * @param after the seq of the last event that the reader has
   * @param missed later batches that the tail has read and the reader has not
   */
  readonly openPrivate: (after: bigint, missed: readonly (readonly LiveEvent[])[]) => Updates<object>;
  /** Called when the last reader has left. */
  readonly onEnd: () => void;
  /** An empty batch is sent after this long without an event, in ms. */
  readonly idleMs: number;
  /** How many events may wait for being rendered. */
  readonly bufferSize: number;
}

/**
 * How much is sent to a reader at once, in UTF-16 code units of JSON, unless a single result is longer. A slow reader buffers no more than this.
 */
const PORTION_SIZE = 32 * 1024;
/** After this many readers, the event loop gets a turn. */
const READERS_PER_TURN = 500;

/**
 * Sends the tail's events to readers that have caught up with it and have equal operations, variables, filters and permissions. Each batch is
 * selected, executed and serialized once, and only a map entry is kept per reader. This handles only the common case: a reader
 * that is too slow, and all readers if anything fails, continue with private streams, which handle the rest.
 */
export class EventFanOut implements FanOut, Follower {
  readonly #options: FanOutOptions;
  /** Each reader, with the seq of the last event that it had when it joined. */
  readonly #readers = new Map<Reader, bigint>();
  readonly #idleTimer: NodeJS.Timeout;
  readonly #leaveTail: () => void;
  /** Batches that have not been sent yet. */
  #waiting: (readonly LiveEvent[])[] = [];
  #isSending = false;
  /** The seq of the last event that was sent to readers that did not have it yet. */
  #sent: bigint;
  /** The seq of the last event that the tail has pushed. */
  #pushed: bigint;

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#sent = options.tail.position;
    this.#pushed = this.#sent;
    this.#idleTimer = setInterval(() => {
      if (!this.#isSending) this.#enqueue([]);
    }, options.idleMs);
    this.#leaveTail = options.tail.join(this);
  }

  get size(): number {
    return this.#readers.size;
  }

  /** How many events its readers have still to be sent. */
  get behind(): number {
    return Number(this.#pushed - this.#sent);
  }

  get position(): bigint {
    return this.#pushed;
  }

  push(events: readonly LiveEvent[]): void {
    this.#idleTimer.refresh();
    this.#pushed = events.at(-1)?.seq ?? this.#pushed;
    this.#enqueue(events);
  }

  /** The tail has ended. Private streams tell the readers so. */
  fail(): void {
    this.stop();
  }

  /** Adds a reader that has everything up to the tail's position. */
  add(reader: Reader): void {
    this.#readers.set(reader, this.#pushed);
  }

  remove(reader: Reader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return;
    this.#leaveTail();
    clearInterval(this.#idleTimer);
    this.#waiting = [];
    this.#options.onEnd();
  }

  /** Moves all readers to private streams. */
  stop(): void {
    for (const reader of this.#readers.keys()) this.#detach(reader, this.#sent, []);
  }

  #enqueue(events: readonly LiveEvent[]): void {
    this.#waiting.push(events);
    if (!this.#isSending) void this.#send();
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    while (this.#waiting.length > 0) {
      const batches = this.#waiting;
      const events = batches.flat();
      this.#waiting = [];
      if (events.length > this.#options.bufferSize || isGap(this.#sent, events)) return this.#detachAll(batches);
      const updates = this.#options.select(events);
      const results = await this.#options.render(updates).catch(() => undefined);
      if (!results) return this.#detachAll(batches);
      await this.#sendToReaders(events, updates, results);
      this.#sent = events.at(-1)?.seq ?? this.#sent;
    }
    this.#isSending = false;
  }

  async #sendToReaders(events: readonly LiveEvent[], updates: readonly object[], results: readonly Rendered[]): Promise<void> {
    const last = events.at(-1)?.seq ?? this.#sent;
    const missedAfter = (seq: bigint) => eventsAfter(seq, [events, ...this.#waiting]);
    let sent = this.#sent;
    for (const { begin, end } of portions(results)) {
      const portion = results.slice(begin, end);
      let served = 0;
      for (const [reader, joinedAt] of this.#readers) {
        // A reader that joined while these results were rendered may already have some or all of the events.
        if (joinedAt > this.#sent && joinedAt < last) this.#detach(reader, joinedAt, missedAfter(joinedAt));
        else if (joinedAt <= this.#sent && !reader.take(portion)) this.#detach(reader, sent, missedAfter(sent));
        served += 1;
        if (served % READERS_PER_TURN === 0) await yieldToEventLoop();
      }
      const lastUpdate = updates[end - 1] as Partial<LiveEvent>;
      sent = lastUpdate.seq ?? last;
    }
  }

  /** Moves one reader to a private stream. */
  #detach(reader: Reader, after: bigint, missed: readonly (readonly LiveEvent[])[]): void {
    // Opened before the reader is removed, so that the tail keeps a user.
    const updates = this.#options.openPrivate(after, missed);
    this.remove(reader);
    reader.resume(updates);
  }

  /** Moves all readers to private streams, which ends the fan-out. @param batches those taken from #waiting that could not be sent */
  #detachAll(batches: readonly (readonly LiveEvent[])[]): void {
    const unsent = [...batches, ...this.#waiting];
    for (const [reader, joinedAt] of this.#readers) {
      // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint
      const after = joinedAt > this.#sent ? joinedAt : this.#sent;
      this.#detach(reader, after, eventsAfter(after, unsent));
    }
  }
}

const eventsAfter = (after: bigint, batches: readonly (readonly LiveEvent[])[]) =>
  batches.map((events) => events.filter(({ seq }) => seq > after)).filter(({ length }) => length > 0);

/** Cuts results into portions, by index. */
function* portions(results: readonly Rendered[]) {
  let begin = 0;
  let size = 0;
  for (const [index, { json }] of results.entries()) {
    if (size > 0 && size + json.length > PORTION_SIZE) {
      yield { begin, end: index };
      begin = index;
      size = 0;
    }
    size += json.length;
  }
  if (begin < results.length) yield { begin, end: results.length };
}
