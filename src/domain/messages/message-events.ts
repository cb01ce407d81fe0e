import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { Gateway } from '../gateway.ts';
import { invalidParameter } from '../input.ts';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { cursorExpired, decodeEventCursor, encodeEventCursor } from './event-cursor.ts';
import { headOf, isGap, type LoggedEvent, type MessageEventFilter, matches, readEvents, soughtIn } from './events.ts';

/** How many events are looked through for one page, at most: a narrow filter then gives an empty page whose cursor has moved on. */
const LOOKED_THROUGH = 5000;
const BATCH = 500;

/**
 * One page of the caller's event log behind a cursor, in the log's order; from its beginning without one. `endCursor` is where the page ends, also
 * where the filter let nothing through: polling with it misses nothing.
 * @throws InvalidInputError for a page size out of range; ConflictError CURSOR_INVALID, CURSOR_EXPIRED
 */
export async function listEvents(
  { prisma }: Gateway,
  caller: Caller,
  given: MessageEventFilter,
  { after, first }: { after?: string | null; first?: number | null },
): Promise<Page<LoggedEvent & { cursor: string }>> {
  const size = first ?? DEFAULT_PAGE_SIZE;
  if (size < 0 || size > MAX_PAGE_SIZE) throw invalidParameter(['first'], `must be from 0 to ${MAX_PAGE_SIZE}`, size);
  const filter = soughtIn(given);
  const { organizationSid } = caller;
  const head = await headOf(prisma, organizationSid);
  const from = after == null ? head.trimmed : decodeEventCursor(after, head);
  const cursorAt = (seq: bigint) => encodeEventCursor(head.logId, seq);

  const found: LoggedEvent[] = [];
  let position = from;
  for (let looked = 0; found.length < size && looked < LOOKED_THROUGH; ) {
    const events = await readEvents(prisma, organizationSid, position, BATCH);
    // Retention may delete what this reads. Without a cursor and before the first event, the log's beginning is wherever it is now.
    if (isGap(position, events) && (after != null || looked > 0)) throw cursorExpired(cursorAt(position));
    for (const event of events) {
      if (found.length === size) break;
      position = event.seq;
      if (matches(filter, event) && (!caller.enterpriseSid || caller.enterpriseSid === event.enterpriseSid)) found.push(event);
    }
    looked += events.length;
    if (events.length < BATCH) break;
  }
  const edges = found.map((event) => ({ cursor: cursorAt(event.seq), node: { ...event, cursor: cursorAt(event.seq) } }));
  return {
    edges,
    pageInfo: {
      hasNextPage: position < head.seq,
      hasPreviousPage: from > head.trimmed,
      startCursor: edges[0]?.cursor ?? cursorAt(from),
      endCursor: cursorAt(position),
    },
    totalCount: () =>
      prisma.messageEvent.count({ where: { organizationSid, ...condition(filter), message: { AND: [belonging(caller), owner(filter)] } } }),
  };
}

const condition = ({ statuses, messageSid }: MessageEventFilter) => ({
  ...(statuses ? { status: { in: [...statuses] } } : {}),
  ...(messageSid ? { messageSid } : {}),
});

const owner = ({ enterpriseSids, mappingSid, direction }: MessageEventFilter) => ({
  ...(enterpriseSids ? { enterpriseSid: { in: [...enterpriseSids] } } : {}),
  ...(mappingSid ? { mappingSid } : {}),
  ...(direction ? { direction } : {}),
});
