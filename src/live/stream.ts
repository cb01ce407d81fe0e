import type { PrismaClient } from '../../prisma/client/client.ts';
import { ConflictError } from '../domain/errors.ts';
import { cursorExpired, encodeEventCursor } from '../domain/event-cursor.ts';
import { isGap, readEvents } from '../domain/events.ts';
import { createWakeUp } from '../wake-up.ts';
import { type LiveEvent, type Tail, withCursors } from './tail.ts';

export interface StreamOptions {
  readonly prisma: PrismaClient;
  readonly organizationSid: string;
  readonly logId: string;
  readonly tail: Tail;
  /** The number of the last event that the reader has. */
  readonly after: bigint;
  /** An empty batch comes when there was no event for this long, in ms. */
  readonly idleMs: number;
  /** How many events may wait for the reader. */
  readonly bufferSize: number;
}

/** A log's events behind a place, batch by batch, each once and in order, without end. */
export interface EventStream {
  next(): Promise<IteratorResult<readonly LiveEvent[]>>;
  /** Ends it, whatever it waits for. */
  close(): void;
}

const REPLAY_BATCH = 200;

/**
 * Replays alone until it has caught up with the tail, then follows it.
 * The batches end with ConflictError CURSOR_EXPIRED where retention overtakes the replay, STREAM_OVERFLOW where the reader is too slow.
 */
export function openStream(options: StreamOptions): EventStream {
  const wakeUp = createWakeUp();
  let closed = false;
  const batches = follow(options, wakeUp, () => closed);
  return {
    next: () => batches.next(),
    close: () => {
      closed = true;
      wakeUp.wake();
      // One that waits for nothing but its reader leaves the tail by this alone.
      batches.return(undefined).catch(() => {});
    },
  };
}

async function* follow(
  { prisma, organizationSid, logId, tail, after, idleMs, bufferSize }: StreamOptions,
  wakeUp: ReturnType<typeof createWakeUp>,
  isClosed: () => boolean,
): AsyncGenerator<readonly LiveEvent[], undefined> {
  let position = after;
  const expired = () => cursorExpired(encodeEventCursor(logId, position));
  while (position < tail.position && !isClosed()) {
    const events = withCursors(logId, await readEvents(prisma, organizationSid, position, REPLAY_BATCH));
    if (events.length === 0 || isGap(position, events)) throw expired();
    position = events.at(-1)?.seq ?? position;
    yield events;
  }

  // Nothing is awaited between the last look at the tail and joining it, so nothing is missed and nothing comes twice.
  let buffer: readonly LiveEvent[] = [];
  let failure: ConflictError | undefined;
  const leave = tail.join({
    get position() {
      return position;
    },
    push: (events) => {
      if (failure) return;
      if (isGap(position, events)) failure = expired();
      else if (buffer.length + events.length > bufferSize) failure = overflown();
      else {
        buffer = buffer.length === 0 ? events : [...buffer, ...events];
        position = events.at(-1)?.seq ?? position;
      }
      wakeUp.wake();
    },
  });
  try {
    while (!isClosed()) {
      if (buffer.length > 0) {
        const events = buffer;
        buffer = [];
        yield events;
      } else if (failure) {
        throw failure;
      } else {
        await wakeUp.wait(idleMs);
        if (buffer.length === 0 && !failure && !isClosed()) yield [];
      }
    }
  } finally {
    leave();
  }
}

const overflown = () => new ConflictError('STREAM_OVERFLOW', 'You read slower than events come: subscribe again from your last cursor');
