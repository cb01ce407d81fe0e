import type { MessageEvent } from '../../../prisma/client/client.ts';
import type { Total } from '../../database/lists/bounds.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { Gateway } from '../gateway.ts';
import { invalidParameter } from '../input.ts';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import type { LoggedEvent } from '../logged-event.ts';
import { countEvents } from './count-events.ts';
import { cursorExpired, decodeEventCursor, encodeEventCursor, positionOf } from './event-cursor.ts';
import { headOf, isGap, type MessageEventFilter, matches, normalizeFilter } from './events.ts';
import { readEvents } from './read-events.ts';

/** How many events are scanned for one page at most. A narrow filter may thus give an empty page, whose end cursor has moved on. */
const MAX_SCANNED = 5000;
const BATCH = 500;

/**
 * Reads one page of the caller's event log after a cursor, or from the beginning of the log, in its order. `endCursor` is the last position that was
 * scanned, even if no event matched: polling with it misses nothing.
 * @throws InvalidInputError for a page size out of range; ConflictError CURSOR_INVALID, CURSOR_EXPIRED
 */
export async function listEvents(
  { prisma, sql }: Gateway,
  caller: Caller,
  givenFilter: MessageEventFilter,
  { after, first }: { after?: string | null; first?: number | null },
): Promise<Page<LoggedEvent & { cursor: string }>> {
  const size = first ?? DEFAULT_PAGE_SIZE;
  if (size < 0 || size > MAX_PAGE_SIZE) throw invalidParameter(['first'], `must be from 0 to ${MAX_PAGE_SIZE}`, size);
  const filter = normalizeFilter(givenFilter);
  const { organizationSid } = caller;
  const head = await headOf(prisma, organizationSid);
  const from = after == null ? head.trimmed : decodeEventCursor(after, head);
  const cursorAt = (seq: bigint) => encodeEventCursor(head.logId, seq);

  const matching: LoggedEvent[] = [];
  let position = from;
  for (let scanned = 0; matching.length < size && scanned < MAX_SCANNED; ) {
    const events = await readEvents(sql, organizationSid, position, BATCH);
    // Retention may delete events meanwhile. That matters only after a cursor or a first batch: before, the log begins wherever it now does.
    if (isGap(position, events) && (after != null || scanned > 0)) throw cursorExpired(cursorAt(position));
    for (const event of events) {
      if (matching.length === size) break;
      position = event.seq;
      if (matches(filter, event) && (!caller.enterpriseSid || caller.enterpriseSid === event.enterpriseSid)) matching.push(event);
    }
    scanned += events.length;
    if (events.length < BATCH) break;
  }
  let counted: Promise<Total> | undefined;
  const total = () => {
    counted ??= countEvents(sql, caller, head, filter);
    return counted;
  };
  const edges = matching.map((event) => ({ cursor: cursorAt(event.seq), node: { ...event, cursor: cursorAt(event.seq) } }));
  return {
    edges,
    pageInfo: {
      hasNextPage: position < head.seq,
      hasPreviousPage: from > head.trimmed,
      startCursor: edges[0]?.cursor ?? cursorAt(from),
      endCursor: cursorAt(position),
    },
    totalCount: async () => (await total()).count,
    totalCountIsExact: async () => (await total()).isExact,
  };
}

/** An event by its cursor, and the message that it is of. */
interface EventKey {
  readonly cursor: string;
  readonly messageSid: string;
}

/** Finds events of messages in the caller's reach, in the order of the keys; `null` where there is none, or retention has deleted it. */
export async function findEvents({ prisma }: Gateway, caller: Caller, keys: readonly EventKey[]): Promise<(MessageEvent | null)[]> {
  const { organizationSid } = caller;
  const head = await headOf(prisma, organizationSid);
  const positions = keys.map(({ cursor }) => positionOf(cursor, head));
  const known = positions.filter((seq) => seq !== undefined);
  if (known.length === 0) return keys.map(() => null);
  const events = await prisma.messageEvent.findMany({
    where: { organizationSid, seq: { in: known }, ...(caller.enterpriseSid ? { message: belonging(caller) } : {}) },
  });
  const bySeq = new Map(events.map((event) => [event.seq, event]));
  return keys.map(({ messageSid }, at) => {
    const event = bySeq.get(positions[at] as bigint);
    return event?.messageSid === messageSid ? event : null;
  });
}
