import { isUnavailable } from '../database/unavailable.ts';
import { ConflictError } from '../domain/errors.ts';
import { cursorExpired, encodeEventCursor } from '../domain/events/event-cursor.ts';
import { isGap } from '../domain/events/events.ts';
import { type LogReader, readEventsWithMessages } from '../domain/events/read-events.ts';
import type { EventWithMessage } from '../domain/logged-event.ts';
import { createWakeUp, type WakeUp } from '../wake-up.ts';
import { type Follower, type LiveEvent, type Tail, withCursors } from './tail.ts';

interface StreamOptions {
  readonly inTurn: (organizationSid: string) => LogReader;
  readonly organizationSid: string;
  readonly logId: string;
  readonly tail: Tail;
  /** The seq of the last event that the reader has. */
  readonly after: bigint;
  /** Later batches that the tail has read and the reader has not. If there are any, they are complete, and the log is not read again. */
  readonly missed?: readonly (readonly LiveEvent[])[];
  /** An empty batch comes after this long without an event, in ms. */
  readonly idleMs: number;
  /** How many events may wait for the reader. */
  readonly bufferSize: number;
}

/** A private stream of a log's events for one reader, in batches: each event once, in order, without end. */
export interface EventStream {
  next(): Promise<IteratorResult<readonly LiveEvent[]>>;
  /** Whether the reader has all events that the tail has read: a follower that replaces it now gets the next event. */
  isCaughtUp(): boolean;
  /** How many events the tail has read and the reader has not. */
  behind(): number;
  /** Ends the stream, whatever it is waiting for. */
  close(): void;
}

const REPLAY_BATCH = 200;
/** The pause before a replay reads again while the database is unavailable. */
const OUTAGE_PAUSE_MS = 500;

/**
 * Opens a stream. It replays the log by itself until it has caught up with the tail, then follows the tail.
 * @returns a stream that rejects with ConflictError CURSOR_EXPIRED if retention overtakes it, STREAM_OVERFLOW if the reader is too slow
 */
export function openStream(options: StreamOptions): EventStream {
  const wakeUp = createWakeUp();
  const state: StreamState = { position: options.after, buffer: [], failure: undefined };
  let closed = false;
  const batches = follow(options, state, wakeUp, () => closed);
  return {
    next: () => batches.next(),
    isCaughtUp: () => !closed && !state.failure && state.buffer.length === 0 && state.position === options.tail.position,
    behind: () => (closed ? 0 : Number(options.tail.position - state.position) + state.buffer.length),
    close: () => {
      closed = true;
      wakeUp.wake();
      // Makes a stream that is suspended at a yield leave the tail.
      batches.return(undefined).catch(() => {});
    },
  };
}

interface StreamState {
  /** The seq of the last event that the stream has taken from the log. */
  position: bigint;
  /** Events that the stream has taken and the reader has not. */
  buffer: readonly LiveEvent[];
  /** Why the stream ends after the buffer. */
  failure: ConflictError | undefined;
}

async function* follow(
  { inTurn, organizationSid, logId, tail, missed = [], idleMs, bufferSize }: StreamOptions,
  state: StreamState,
  wakeUp: WakeUp,
  isClosed: () => boolean,
): AsyncGenerator<readonly LiveEvent[], undefined> {
  const expired = () => cursorExpired(encodeEventCursor(logId, state.position));
  async function read(): Promise<EventWithMessage[]> {
    for (;;) {
      try {
        return await readEventsWithMessages(inTurn(organizationSid), organizationSid, state.position, REPLAY_BATCH);
      } catch (error) {
        if (!isUnavailable(error) || isClosed()) throw error;
      }
      await wakeUp.wait(OUTAGE_PAUSE_MS);
    }
  }

  while (missed.length === 0 && state.position < tail.position && !isClosed()) {
    const events = withCursors(logId, await read());
    if (events.length === 0 || isGap(state.position, events)) throw expired();
    state.position = events.at(-1)?.seq ?? state.position;
    yield events;
  }

  // Do not await anything between the comparison with the tail's position and joining it, or events are lost or repeated.
  const follower: Follower = {
    get position() {
      return state.position;
    },
    push: (events) => {
      if (state.failure) return;
      if (isGap(state.position, events)) state.failure = expired();
      else if (state.buffer.length + events.length > bufferSize) state.failure = overflown();
      else {
        state.buffer = state.buffer.length === 0 ? events : [...state.buffer, ...events];
        state.position = events.at(-1)?.seq ?? state.position;
      }
      wakeUp.wake();
    },
    fail: (error) => {
      state.failure ??= error;
      wakeUp.wake();
    },
  };
  const leave = tail.join(follower);
  for (const events of missed) follower.push(events);
  try {
    while (!isClosed()) {
      if (state.buffer.length > 0) {
        const events = state.buffer;
        state.buffer = [];
        yield events;
      } else if (state.failure) {
        throw state.failure;
      } else {
        await wakeUp.wait(idleMs);
        if (state.buffer.length === 0 && !state.failure && !isClosed()) yield [];
      }
    }
  } finally {
    leave();
  }
}

const overflown = () =>
  new ConflictError('STREAM_OVERFLOW', 'The stream is read more slowly than events arrive: subscribe again from your last cursor');
