import type { Logger } from 'pino';
import type { PrismaClient } from '../../prisma/client/client.ts';
import type { Caller } from '../domain/caller.ts';
import { messageNotFound } from '../domain/errors.ts';
import { decodeEventCursor, encodeEventCursor } from '../domain/messages/event-cursor.ts';
import { headOf, type LogHead, type MessageEventFilter, matches, normalizeFilter } from '../domain/messages/events.ts';
import { normalizeSid } from '../domain/sid.ts';
import { type EventFanOut, startFanOut } from './fan-out.ts';
import { type EventStream, openStream } from './stream.ts';
import { type LiveEvent, startTail, type Tail } from './tail.ts';
import { createUpdates, type Reader, type Sharing, type Updates } from './updates.ts';

/** A place in the log without an event: everything up to it was seen, or did not pass the filter. */
export interface Bookmark {
  readonly bookmark: true;
  readonly cursor: string;
}
export type LiveUpdate = LiveEvent | Bookmark;

export interface Live {
  /**
   * The caller's message events behind a cursor, or from now on. The first update from now on is a bookmark; bookmarks also come while the filter lets nothing
   * through, or nothing happens.
   * @throws ConflictError CURSOR_INVALID, CURSOR_EXPIRED
   */
  messageEvents(caller: Caller, filter: MessageEventFilter, after: string | undefined): Promise<Updates<LiveUpdate>>;
  /**
   * One message, from its present status to its terminal one.
   * @throws NotFoundError MESSAGE_NOT_FOUND
   */
  messageStatus(caller: Caller, sid: string): Promise<Updates<LiveEvent>>;
  /** The organization's log has grown, perhaps. */
  wake(organizationSid: string): void;
  /** Every log has grown, perhaps. */
  wakeAll(): void;
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

/** Events of an organization's log. Equal keys want the same. */
interface Wanted {
  readonly organizationSid: string;
  readonly head: LogHead;
  readonly passes: (event: LiveEvent) => boolean;
  readonly key: string;
}

/** Streams of message events: one tail for each organization that has readers here. */
export function createLive({ prisma, log, pollMs = 1000, idleMs = 15_000, bufferSize = 1000 }: LiveOptions): Live {
  const tails = new Map<string, { readonly tail: Tail; readers: number }>();
  const streams = new Set<EventStream>();
  const fanOuts = new Map<string, EventFanOut>();
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

  function open(organizationSid: string, head: LogHead, after: bigint, missed?: readonly (readonly LiveEvent[])[]): EventStream {
    const tail = acquire(organizationSid, head);
    const stream = openStream({ prisma, organizationSid, logId: head.logId, tail, after, missed, idleMs, bufferSize });
    const counted: EventStream = {
      next: stream.next,
      isLevel: stream.isLevel,
      close: () => {
        stream.close();
        if (streams.delete(counted)) release(organizationSid);
      },
    };
    streams.add(counted);
    if (stopped) counted.close();
    return counted;
  }

  /** What is wanted, from a stream of its reader's own at first. Once that is level with the tail, it may go on in a fan-out. */
  function follow(
    wanted: Wanted,
    first: readonly LiveUpdate[],
    after: bigint,
    missed?: readonly (readonly LiveEvent[])[],
  ): Updates<LiveUpdate> {
    const { organizationSid, head, passes } = wanted;
    const stream = open(organizationSid, head, after, missed);
    return createUpdates(first, stream, selecting(head.logId, after, passes), (sharing, reader) => join(wanted, sharing, reader));
  }

  function join(wanted: Wanted, sharing: Sharing, reader: Reader): EventFanOut {
    const key = `${wanted.key} ${sharing.key}`;
    const fanOut = fanOuts.get(key) ?? begin(key, wanted, sharing);
    fanOut.add(reader);
    return fanOut;
  }

  function begin(key: string, wanted: Wanted, { render }: Sharing): EventFanOut {
    const { organizationSid, head, passes } = wanted;
    const tail = acquire(organizationSid, head);
    const select = selecting(head.logId, tail.position, passes);
    const fanOut = startFanOut({
      ...{ tail, idleMs, bufferSize, render },
      select: (events) => select(events).updates,
      alone: (after, missed) => follow(wanted, [], after, missed),
      ended: () => {
        fanOuts.delete(key);
        release(organizationSid);
      },
    });
    fanOuts.set(key, fanOut);
    return fanOut;
  }

  return {
    messageEvents: async (caller, given, after) => {
      const filter = normalizeFilter(given);
      const head = await headOf(prisma, caller.organizationSid);
      const from = after === undefined ? head.seq : decodeEventCursor(after, head);
      const { organizationSid, enterpriseSid } = caller;
      const wanted = {
        ...{ organizationSid, head, passes: (event: LiveEvent) => matches(filter, event) && isVisible(caller, event) },
        key: JSON.stringify([organizationSid, head.logId, enterpriseSid, filter]),
      };
      return follow(wanted, after === undefined ? [bookmarkAt(head.logId, from)] : [], from);
    },
    messageStatus: async (caller, given) => {
      const sid = normalizeSid(given);
      const head = await headOf(prisma, caller.organizationSid);
      const present = await presentStatus(prisma, caller, head, sid);
      // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint
      const after = present.seq > head.seq ? present.seq : head.seq;
      if (isTerminal(present)) return createUpdates([present]);
      const stream = open(caller.organizationSid, head, after);
      return createUpdates([present], stream, (events) => {
        const updates = events.filter(({ messageSid }) => messageSid === sid);
        const end = updates.findIndex(isTerminal);
        return end === -1 ? { updates } : { updates: updates.slice(0, end + 1), isLast: true };
      });
    },
    wake: (organizationSid) => tails.get(organizationSid)?.tail.wake(),
    wakeAll: () => {
      for (const { tail } of tails.values()) tail.wake();
    },
    get streams() {
      return [...fanOuts.values()].reduce((sum, { size }) => sum + size, streams.size);
    },
    stop: () => {
      stopped = true;
      for (const fanOut of fanOuts.values()) fanOut.stop();
      for (const stream of streams) stream.close();
    },
  };
}

const bookmarkAt = (logId: string, seq: bigint): Bookmark => ({ bookmark: true, cursor: encodeEventCursor(logId, seq) });

/** Credentials that are narrowed to one enterprise see no other's events. */
const isVisible = (caller: Caller, event: LiveEvent) => !caller.enterpriseSid || caller.enterpriseSid === event.enterpriseSid;

/** Filtered events move the cursor on, but not every one of them is worth a bookmark, in ms. */
const BOOKMARK_MS = 1000;

/** What of each batch is for a subscriber: the events that pass, and a bookmark where it had nothing for a while. */
function selecting(logId: string, from: bigint, passes: (event: LiveEvent) => boolean) {
  let position = from;
  let last = Number.NEGATIVE_INFINITY;
  return (events: readonly LiveEvent[]) => {
    const updates: LiveUpdate[] = events.filter(passes);
    position = events.at(-1)?.seq ?? position;
    const now = performance.now();
    if (updates.length === 0 && (events.length === 0 || now - last >= BOOKMARK_MS)) updates.push(bookmarkAt(logId, position));
    if (updates.length > 0) last = now;
    return { updates };
  };
}

const TERMINAL = new Set(['DELIVERED', 'UNDELIVERED', 'FAILED', 'READ']);

const isTerminal = ({ status }: LiveEvent) => TERMINAL.has(status);

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
