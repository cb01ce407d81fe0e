import type { PrismaClient } from '../../prisma/client/client.ts';
import { ConflictError } from '../domain/errors.ts';
import { readEvents } from '../domain/events.ts';
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

/** A log's events behind a place, batch by batch, each once and in order, without end. `close` ends it, whatever it waits for. */
export interface EventStream extends AsyncIterableIterator<readonly LiveEvent[]> {
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
  const close = () => {
    closed = true;
    wakeUp.wake();
  };
  return {
    next: () => batches.next(),
    return: () => {
      close();
      return batches.return(undefined);
    },
    throw: (error) => {
      close();
      return batches.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    close,
  };
}

async function* follow(
  { prisma, organizationSid, logId, tail, after, idleMs, bufferSize }: StreamOptions,
  wakeUp: ReturnType<typeof createWakeUp>,
  isClosed: () => boolean,
): AsyncGenerator<readonly LiveEvent[], undefined> {
  let position = after;
  while (position < tail.position && !isClosed()) {
    const events = withCursors(logId, await readEvents(prisma, organizationSid, position, REPLAY_BATCH));
    const first = events[0];
    // The log has no gaps: one is what retention took.
    if (!first || first.seq !== position + 1n)
      throw new ConflictError('CURSOR_EXPIRED', 'Events behind the cursor are deleted', { path: ['after'] });
    position = events.at(-1)?.seq ?? position;
    yield events;
  }

  // Nothing is awaited between the last look at the tail and joining it, so nothing is missed and nothing comes twice.
  let buffer: LiveEvent[] = [];
  let overflown = false;
  const leave = tail.join({
    get position() {
      return position;
    },
    push: (events) => {
      if (overflown) return;
      overflown = buffer.length + events.length > bufferSize;
      if (!overflown) {
        buffer.push(...events);
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
      } else if (overflown) {
        throw new ConflictError('STREAM_OVERFLOW', 'You read slower than events come: subscribe again from your last cursor');
      } else {
        await wakeUp.wait(idleMs);
        if (buffer.length === 0 && !overflown && !isClosed()) yield [];
      }
    }
  } finally {
    leave();
  }
}
