import type { ChannelStatus, MessageDirection, PrismaClient } from '../../prisma/client/client.ts';

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

/** Does the filter let this event through? */
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
 * Deletes the events that are older than `retentionMs`, from each log's beginning on, and notes how far, so that an old cursor is told
 * rather than skipped.
 * @returns how many were deleted
 */
export async function trimEvents(prisma: PrismaClient, retentionMs: number): Promise<number> {
  const before = new Date(Date.now() - retentionMs);
  const heads = await prisma.eventHead.findMany({ select: { organizationSid: true, trimmed: true } });
  let deleted = 0;
  for (const { organizationSid, trimmed } of heads) {
    const last = await prisma.messageEvent.findFirst({
      where: { organizationSid, occurredAt: { lt: before } },
      orderBy: { seq: 'desc' },
      select: { seq: true },
    });
    if (!last || last.seq <= trimmed) continue;
    // Noted first: a reader is refused rather than shown a log with a hole.
    await prisma.eventHead.update({ where: { organizationSid }, data: { trimmed: last.seq } });
    const { count } = await prisma.messageEvent.deleteMany({ where: { organizationSid, seq: { lte: last.seq } } });
    deleted += count;
  }
  return deleted;
}
