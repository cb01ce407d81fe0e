import type { Logger } from 'pino';
import type { PrismaClient } from '../../prisma/client/client.ts';
import type { Caller } from '../domain/caller.ts';
import { messageNotFound } from '../domain/errors.ts';
import { decodeEventCursor, encodeEventCursor } from '../domain/event-cursor.ts';
import { headOf, type LogHead, type MessageEventFilter, matches } from '../domain/events.ts';
import { type EventStream, openStream } from './stream.ts';
import { type LiveEvent, startTail, type Tail } from './tail.ts';

/** A place in the log without an event: everything up to it was seen, or did not pass the filter. */
export interface Bookmark {
  readonly bookmark: true;
  readonly cursor: string;
}
export type LiveUpdate = LiveEvent | Bookmark;

export const isBookmark = (update: LiveUpdate): update is Bookmark => 'bookmark' in update;

export interface Live {
  /**
   * The caller's message events behind a cursor, or from now on. The first update from now on is a bookmark; bookmarks also come while the filter lets nothing
   * through, or nothing happens.
   * @throws ConflictError CURSOR_INVALID, CURSOR_EXPIRED
   */
  messageEvents(caller: Caller, filter: MessageEventFilter, after: string | undefined): Promise<AsyncIterableIterator<LiveUpdate>>;
  /**
   * One message, from its present status to its terminal one.
   * @throws NotFoundError MESSAGE_NOT_FOUND
   */
  messageStatus(caller: Caller, sid: string): Promise<AsyncIterableIterator<LiveEvent>>;
  /** The organization's log has grown, perhaps. */
  wake(organizationSid: string): void;
  /** How many streams are open. */
  readonly streams: number;
  /** Ends every stream, and lets none begin. */
  stop(): void;
}

export interface LiveOptions {
  readonly prisma: PrismaClient;
  readonly log: Logger;
  readonly pollMs?: number;
  readonly idleMs?: number;
  readonly bufferSize?: number;
}

/** Streams of message events: one tail for each organization that has readers here. */
export function createLive({ prisma, log, pollMs = 1000, idleMs = 15_000, bufferSize = 1000 }: LiveOptions): Live {
  const tails = new Map<string, { readonly tail: Tail; readers: number }>();
  const streams = new Set<EventStream>();
  let stopped = false;

  function acquire(organizationSid: string, { logId, seq }: LogHead): Tail {
    const held = tails.get(organizationSid);
    if (held) {
      held.readers += 1;
      return held.tail;
    }
    const onError = (error: unknown) => log.error({ err: error, organizationSid }, 'the event log can not be read; it is tried again');
    const tail = startTail({ prisma, organizationSid, logId, from: seq, pollMs, onError });
    tails.set(organizationSid, { tail, readers: 1 });
    return tail;
  }

  function release(organizationSid: string): void {
    const held = tails.get(organizationSid);
    if (!held) return;
    held.readers -= 1;
    if (held.readers > 0) return;
    held.tail.stop();
    tails.delete(organizationSid);
  }

  function open({ organizationSid }: Caller, head: LogHead, after: bigint): EventStream {
    const tail = acquire(organizationSid, head);
    const stream = openStream({ prisma, organizationSid, logId: head.logId, tail, after, idleMs, bufferSize });
    streams.add(stream);
    if (stopped) stream.close();
    return stream;
  }

  function done(caller: Caller, stream: EventStream): void {
    stream.close();
    if (!streams.delete(stream)) return;
    release(caller.organizationSid);
  }

  async function* updates(
    caller: Caller,
    filter: MessageEventFilter,
    head: LogHead,
    after: bigint,
    stream: EventStream,
  ): AsyncGenerator<LiveUpdate> {
    let position = after;
    try {
      for await (const events of stream) {
        const passed = events.filter((event) => matches(filter, event) && isVisible(caller, event));
        position = events.at(-1)?.seq ?? position;
        yield* passed;
        if (passed.at(-1)?.seq !== position || events.length === 0) yield bookmarkAt(head.logId, position);
      }
    } finally {
      done(caller, stream);
    }
  }

  return {
    messageEvents: async (caller, filter, after) => {
      const head = await headOf(prisma, caller.organizationSid);
      const from = after === undefined ? head.seq : decodeEventCursor(after, head);
      const stream = open(caller, head, from);
      const source = updates(caller, filter, head, from, stream);
      return closing(after === undefined ? begin(bookmarkAt(head.logId, from), source) : source, () => done(caller, stream));
    },
    messageStatus: async (caller, sid) => {
      const head = await headOf(prisma, caller.organizationSid);
      const present = await presentStatus(prisma, caller, head, sid);
      // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint
      const after = present.seq > head.seq ? present.seq : head.seq;
      const stream = open(caller, head, after);
      return closing(untilTerminal(present, updates(caller, { messageSid: sid }, head, after, stream)), () => done(caller, stream));
    },
    wake: (organizationSid) => tails.get(organizationSid)?.tail.wake(),
    get streams() {
      return streams.size;
    },
    stop: () => {
      stopped = true;
      for (const stream of streams) stream.close();
    },
  };
}

const bookmarkAt = (logId: string, seq: bigint): Bookmark => ({ bookmark: true, cursor: encodeEventCursor(logId, seq) });

/** Credentials that are narrowed to one enterprise see no other's events. */
const isVisible = (caller: Caller, event: LiveEvent) => !caller.enterpriseSid || caller.enterpriseSid === event.enterpriseSid;

const TERMINAL = new Set(['DELIVERED', 'UNDELIVERED', 'FAILED', 'READ']);

async function* begin<Update>(first: Update, rest: AsyncIterable<Update>): AsyncGenerator<Update> {
  yield first;
  yield* rest;
}

async function* untilTerminal(present: LiveEvent, later: AsyncIterable<LiveUpdate>): AsyncGenerator<LiveEvent> {
  yield present;
  if (TERMINAL.has(present.status)) return;
  for await (const update of later) {
    if (isBookmark(update)) continue;
    yield update;
    if (TERMINAL.has(update.status)) return;
  }
}

/**
 * The last event of a message. The head was read before: an event that this does not see has a higher number than both.
 */
async function presentStatus(prisma: PrismaClient, caller: Caller, head: LogHead, sid: string): Promise<LiveEvent> {
  const message = await prisma.message.findUnique({ where: { sid, organizationSid: caller.organizationSid } });
  if (!message || (caller.enterpriseSid && caller.enterpriseSid !== message.enterpriseSid)) throw messageNotFound(sid);
  const last = await prisma.messageEvent.findFirst({
    where: { organizationSid: caller.organizationSid, messageSid: sid },
    orderBy: { seq: 'desc' },
  });
  const { enterpriseSid, mappingSid, direction } = message;
  // Retention may have taken it: the message itself still knows its status.
  const event = last ?? {
    seq: head.trimmed,
    messageSid: sid,
    status: message.channelStatus,
    previousStatus: null,
    errorCode: message.channelErrorCode,
    errorMessage: message.channelErrorMessage,
    occurredAt: message.dateUpdated,
  };
  return { ...event, enterpriseSid, mappingSid, direction, cursor: encodeEventCursor(head.logId, event.seq) };
}

/** A generator that has not begun runs no `finally`: whoever ends it closes what it stands on. */
function closing<Update>(source: AsyncGenerator<Update>, close: () => void): AsyncIterableIterator<Update> {
  let ended = false;
  const end = () => {
    if (!ended) close();
    ended = true;
  };
  return {
    next: async () => {
      const result = await source.next();
      if (result.done) end();
      return result;
    },
    return: async () => {
      end();
      return source.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
