import type { PrismaClient } from '../../prisma/client/client.ts';
import { isUnavailable } from '../database/unavailable.ts';
import { ConflictError } from '../domain/errors.ts';
import { cursorExpired, encodeEventCursor } from '../domain/messages/event-cursor.ts';
import { isGap, type LoggedEvent, readEvents } from '../domain/messages/events.ts';
import { createWakeUp } from '../wake-up.ts';
import { type Follower, type LiveEvent, type Tail, withCursors } from './tail.ts';

export interface StreamOptions {
  readonly prisma: PrismaClient;
  readonly organizationSid: string;
  readonly logId: string;
  readonly tail: Tail;
  /** The number of the last event that the reader has. */
  readonly after: bigint;
  /** Everything that the tail has behind that, batch by batch, where it's known: it is not read again then. */
  readonly missed?: readonly (readonly LiveEvent[])[];
  /** An empty batch comes when there was no event for this long, in ms. */
  readonly idleMs: number;
  /** How many events may wait for the reader. */
  readonly bufferSize: number;
}

/** A log's events behind a place, batch by batch, each once and in order, without end. */
export interface EventStream {
  next(): Promise<IteratorResult<readonly LiveEvent[]>>;
  /** Has it given all that the tail has, so that whoever joins the tail now in its place misses nothing and has nothing twice? */
  isLevel(): boolean;
  /** Ends it, whatever it waits for. */
  close(): void;
}

const REPLAY_BATCH = 200;
/** How long a replay waits for a database that can't be used, until it is asked again, in ms. */
const OUTAGE_MS = 500;

/**
 * Replays alone until it has caught up with the tail, then follows it.
 * The batches end with ConflictError CURSOR_EXPIRED where retention overtakes the replay, STREAM_OVERFLOW where the reader is too slow.
 */
export function openStream(options: StreamOptions): EventStream {
  const wakeUp = createWakeUp();
  const place: Place = { position: options.after, buffer: [], failure: undefined };
  let closed = false;
  const batches = follow(options, place, wakeUp, () => closed);
  return {
    next: () => batches.next(),
    isLevel: () => !closed && !place.failure && place.buffer.length === 0 && place.position === options.tail.position,
    close: () => {
      closed = true;
      wakeUp.wake();
      // One that waits for nothing but its reader leaves the tail by this alone.
      batches.return(undefined).catch(() => {});
    },
  };
}

/** Where a stream is: the number of the last event that it took of the log, those of which it has not given yet, and why no other comes. */
interface Place {
  position: bigint;
  buffer: readonly LiveEvent[];
  failure: ConflictError | undefined;
}

async function* follow(
  { prisma, organizationSid, logId, tail, missed = [], idleMs, bufferSize }: StreamOptions,
  place: Place,
  wakeUp: ReturnType<typeof createWakeUp>,
  isClosed: () => boolean,
): AsyncGenerator<readonly LiveEvent[], undefined> {
  const expired = () => cursorExpired(encodeEventCursor(logId, place.position));
  async function read(): Promise<LoggedEvent[]> {
    for (;;) {
      try {
        return await readEvents(prisma, organizationSid, place.position, REPLAY_BATCH);
      } catch (error) {
        if (!isUnavailable(error) || isClosed()) throw error;
      }
      await wakeUp.wait(OUTAGE_MS);
    }
  }

  while (missed.length === 0 && place.position < tail.position && !isClosed()) {
    const events = withCursors(logId, await read());
    if (events.length === 0 || isGap(place.position, events)) throw expired();
    place.position = events.at(-1)?.seq ?? place.position;
    yield events;
  }

  // Nothing is awaited between the last look at the tail and joining it, so nothing is missed and nothing comes twice.
  const follower: Follower = {
    get position() {
      return place.position;
    },
    push: (events) => {
      if (place.failure) return;
      if (isGap(place.position, events)) place.failure = expired();
      else if (place.buffer.length + events.length > bufferSize) place.failure = overflown();
      else {
        place.buffer = place.buffer.length === 0 ? events : [...place.buffer, ...events];
        place.position = events.at(-1)?.seq ?? place.position;
      }
      wakeUp.wake();
    },
  };
  const leave = tail.join(follower);
  for (const events of missed) follower.push(events);
  try {
    while (!isClosed()) {
      if (place.buffer.length > 0) {
        const events = place.buffer;
        place.buffer = [];
        yield events;
      } else if (place.failure) {
        throw place.failure;
      } else {
        await wakeUp.wait(idleMs);
        if (place.buffer.length === 0 && !place.failure && !isClosed()) yield [];
      }
    }
  } finally {
    leave();
  }
}

const overflown = () => new ConflictError('STREAM_OVERFLOW', 'You read slower than events come: subscribe again from your last cursor');
