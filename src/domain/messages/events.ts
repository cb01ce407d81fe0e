import type { ChannelStatus, MessageDirection, PrismaClient } from '../../../prisma/client/client.ts';
import { sought } from '../sid.ts';

/** One event of an organization's log, with what filters look at. */
export interface LoggedEvent {
  readonly seq: bigint;
  readonly messageSid: string;
  readonly status: ChannelStatus;
  readonly previousStatus: ChannelStatus | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly occurredAt: Date;
  readonly enterpriseSid: string;
  readonly mappingSid: string | null;
  readonly direction: MessageDirection;
}

/** Which events. All conditions hold together; a condition that is absent always holds. */
export interface MessageEventFilter {
  readonly enterpriseSids?: readonly string[] | null;
  readonly mappingSid?: string | null;
  readonly messageSid?: string | null;
  readonly direction?: MessageDirection | null;
  readonly statuses?: readonly ChannelStatus[] | null;
}

/** The filter with its sids as they can be looked up. */
export const soughtIn = ({ enterpriseSids, mappingSid, messageSid, ...others }: MessageEventFilter): MessageEventFilter => ({
  ...others,
  enterpriseSids: enterpriseSids?.map(sought),
  mappingSid: mappingSid && sought(mappingSid),
  messageSid: messageSid && sought(messageSid),
});

/** Does the filter let this event through? The filter is one of `soughtIn`. */
export function matches(filter: MessageEventFilter, event: LoggedEvent): boolean {
  return (
    (!filter.enterpriseSids || filter.enterpriseSids.includes(event.enterpriseSid)) &&
    (!filter.mappingSid || filter.mappingSid === event.mappingSid) &&
    (!filter.messageSid || filter.messageSid === event.messageSid) &&
    (!filter.direction || filter.direction === event.direction) &&
    (!filter.statuses || filter.statuses.includes(event.status))
  );
}

/** Where a log ends, and how much of its beginning retention has deleted. */
export interface LogHead {
  readonly logId: string;
  readonly seq: bigint;
  readonly trimmed: bigint;
}

/** The head of an organization's log. A log that has no event yet is begun, so that it has a name. */
export async function headOf(prisma: PrismaClient, organizationSid: string): Promise<LogHead> {
  const head = await prisma.eventHead.findUnique({ where: { organizationSid } });
  if (head) return head;
  await prisma.eventHead.createMany({ data: [{ organizationSid, seq: 0n }], skipDuplicates: true });
  return prisma.eventHead.findUniqueOrThrow({ where: { organizationSid } });
}

/** The events behind `after`, in order, at most `limit`. */
export function readEvents(prisma: PrismaClient, organizationSid: string, after: bigint, limit: number): Promise<LoggedEvent[]> {
  return prisma.$queryRaw<LoggedEvent[]>`
    SELECT e.seq, e.message_sid AS "messageSid", e.status::text, e.previous_status::text AS "previousStatus", e.error_code AS "errorCode",
      e.error_message AS "errorMessage", e.occurred_at AS "occurredAt",
      m.enterprise_sid AS "enterpriseSid", m.mapping_sid AS "mappingSid", m.direction::text
    FROM message_event e JOIN message m ON m.organization_sid = e.organization_sid AND m.sid = e.message_sid
    WHERE e.organization_sid = ${organizationSid} AND e.seq > ${after}
    ORDER BY e.seq LIMIT ${limit}`;
}

/**
 * Is anything missing between a place and the events that were read behind it? The log has no gaps but the one that retention makes at its beginning.
 */
export const isGap = (after: bigint, events: readonly Pick<LoggedEvent, 'seq'>[]) =>
  events[0] !== undefined && events[0].seq !== after + 1n;

/** How many events are deleted at once: a delete that takes long holds back the database's clean-up of everything else. */
const TRIMMED_AT_ONCE = 5000;

/**
 * Deletes the events that are older than `retentionMs`, from each log's beginning up to the first that is not, and notes how far, so that an old
 * cursor is told rather than skipped.
 * @returns how many were deleted
 */
export async function trimEvents(prisma: PrismaClient, retentionMs: number, signal?: AbortSignal): Promise<number> {
  const before = new Date(Date.now() - retentionMs);
  const heads = await prisma.eventHead.findMany({ select: { organizationSid: true } });
  let deleted = 0;
  for (const { organizationSid } of heads) {
    for (let count = TRIMMED_AT_ONCE; count >= TRIMMED_AT_ONCE && !signal?.aborted; deleted += count) {
      count = await trimOnce(prisma, organizationSid, before);
    }
  }
  return deleted;
}

async function trimOnce(prisma: PrismaClient, organizationSid: string, before: Date): Promise<number> {
  const first = await prisma.messageEvent.findMany({
    where: { organizationSid },
    orderBy: { seq: 'asc' },
    take: TRIMMED_AT_ONCE,
    select: { seq: true, occurredAt: true },
  });
  const kept = first.findIndex(({ occurredAt }) => occurredAt >= before);
  const last = first.at(kept === -1 ? -1 : kept - 1);
  if (kept === 0 || !last) return 0;
  // Noted first: a reader is refused rather than shown a log with a hole. Never back, should two instances be at it.
  await prisma.eventHead.updateMany({ where: { organizationSid, trimmed: { lt: last.seq } }, data: { trimmed: last.seq } });
  const { count } = await prisma.messageEvent.deleteMany({ where: { organizationSid, seq: { lte: last.seq } } });
  return count;
}
