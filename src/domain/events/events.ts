import type { ChannelStatus, MessageDirection, PrismaClient } from '../../../prisma/client/client.ts';
import { isUnavailable } from '../../database/unavailable.ts';
import type { LoggedEvent } from '../logged-event.ts';
import { normalizeSid } from '../values/sid.ts';
import type { LogReader } from './read-events.ts';

/** Conditions on events, which must all hold; an absent one always holds. */
export interface MessageEventFilter {
  readonly enterpriseSids?: readonly string[] | null;
  readonly mappingSid?: string | null;
  readonly messageSid?: string | null;
  readonly direction?: MessageDirection | null;
  readonly statuses?: readonly ChannelStatus[] | null;
}

/** Prepares a caller's filter for `matches`: normalizes its sids. */
export const normalizeFilter = ({ enterpriseSids, mappingSid, messageSid, ...others }: MessageEventFilter): MessageEventFilter => ({
  ...others,
  enterpriseSids: enterpriseSids?.map(normalizeSid),
  mappingSid: mappingSid && normalizeSid(mappingSid),
  messageSid: messageSid && normalizeSid(messageSid),
});

/** Whether an event meets the conditions of a filter, which must be normalized. */
export function matches(filter: MessageEventFilter, event: LoggedEvent): boolean {
  return (
    (!filter.enterpriseSids || filter.enterpriseSids.includes(event.enterpriseSid)) &&
    (!filter.mappingSid || filter.mappingSid === event.mappingSid) &&
    (!filter.messageSid || filter.messageSid === event.messageSid) &&
    (!filter.direction || filter.direction === event.direction) &&
    (!filter.statuses || filter.statuses.includes(event.status))
  );
}

/** The extent of an organization's log: events `trimmed + 1` to `seq` exist. */
export interface LogHead {
  /** The log's id, which its cursors contain. */
  readonly logId: string;
  /** The number of the last event; 0 for none. */
  readonly seq: bigint;
  /** The number of the last event that retention has deleted; 0 for none. */
  readonly trimmed: bigint;
}

/**
 * Reads the head of an organization's log, and creates the log where it has no event yet. If another database has numbered the events (a restored copy, or
 * a server that took over and may have lost some), the log gets another id first: former cursors then are of another log.
 */
export async function headOf(prisma: PrismaClient, organizationSid: string): Promise<LogHead> {
  for (;;) {
    const [head] = await prisma.$queryRaw<(LogHead & { isOwn: boolean })[]>`
      SELECT log_id::text AS "logId", seq, trimmed, coalesce(source = here, here IS NULL) AS "isOwn"
      FROM event_head, event_log_source() AS here WHERE organization_sid = ${organizationSid}`;
    if (head?.isOwn) return { logId: head.logId, seq: head.seq, trimmed: head.trimmed };
    if (head) await renewLog(prisma, organizationSid);
    else await prisma.eventHead.createMany({ data: [{ organizationSid, seq: 0n }], skipDuplicates: true });
  }
}

/** Whether a log still has this id and at least so many events: after a failover or a restore, it may be another database's. */
export async function isSameLog(sql: LogReader, organizationSid: string, logId: string, position: bigint): Promise<boolean> {
  const rows = await sql.read(SAME_LOG, [organizationSid, logId, position]);
  return rows.length > 0;
}

const SAME_LOG = `SELECT 1 FROM event_head, event_log_source() AS here
  WHERE organization_sid = $1 AND log_id = $2::uuid AND seq >= $3::bigint AND coalesce(source = here, here IS NULL)`;

/** Gives a log another id, unless another instance has just done so. */
async function renewLog(prisma: PrismaClient, organizationSid: string): Promise<void> {
  await prisma.$executeRaw`
    UPDATE event_head SET log_id = gen_random_uuid(), source = event_log_source()
    WHERE organization_sid = ${organizationSid} AND source IS DISTINCT FROM event_log_source()`;
}

/** Whether events are missing between a number and the events read after it. Only retention leaves a gap, at the beginning of the log. */
export const isGap = (after: bigint, events: readonly Pick<LoggedEvent, 'seq'>[]) =>
  events[0] !== undefined && events[0].seq !== after + 1n;

/** How many events one statement deletes: a longer one would hold back the database's vacuum. */
const TRIM_BATCH = 2000;

/**
 * Deletes the events that are older than `retentionMs`, from each log's beginning up to the first that is younger. The head records how far, so that an
 * older cursor is refused instead of missing events silently.
 * @returns how many were deleted
 * @throws AggregateError if some logs cannot be trimmed, after all others
 */
export async function trimEvents(prisma: PrismaClient, retentionMs: number, signal?: AbortSignal): Promise<number> {
  const before = new Date(Date.now() - retentionMs);
  const failures: unknown[] = [];
  let deleted = 0;
  for await (const organizationSid of logsToTrim(prisma, before)) {
    try {
      // Each batch begins where the last one ended: what has just been deleted stays in the index for a while, and is not read again.
      for (let after = 0n; !signal?.aborted; ) {
        const { count, last } = await trimOnce(prisma, organizationSid, before, after);
        deleted += count;
        if (count < TRIM_BATCH) break;
        after = last;
      }
    } catch (error) {
      if (isUnavailable(error)) throw error;
      failures.push(error);
    }
    if (signal?.aborted) break;
  }
  if (failures.length > 0) throw new AggregateError(failures, `cannot trim the event logs of ${failures.length} organizations`);
  return deleted;
}

/** How many logs one statement looks at. */
const HEADS_BATCH = 1000;

/** Finds the organizations whose logs begin with an event that is older than `before`. */
async function* logsToTrim(prisma: PrismaClient, before: Date): AsyncGenerator<string> {
  for (let after = ''; ; ) {
    const heads = await prisma.$queryRaw<{ organizationSid: string; isDue: boolean }[]>`
      SELECT h.organization_sid AS "organizationSid", coalesce(first.occurred_at < ${before}, false) AS "isDue"
      FROM (SELECT organization_sid FROM event_head WHERE organization_sid > ${after} ORDER BY organization_sid LIMIT ${HEADS_BATCH}) h
      LEFT JOIN LATERAL (
        SELECT occurred_at FROM message_event e WHERE e.organization_sid = h.organization_sid ORDER BY e.seq LIMIT 1
      ) first ON true
      ORDER BY 1`;
    for (const { organizationSid, isDue } of heads) if (isDue) yield organizationSid;
    if (heads.length < HEADS_BATCH) return;
    after = heads.at(-1)?.organizationSid as string;
  }
}

/** Deletes the first events after number `after` that are older than `before`. @returns how many, and the number of the last one */
async function trimOnce(
  prisma: PrismaClient,
  organizationSid: string,
  before: Date,
  after: bigint,
): Promise<{ count: number; last: bigint }> {
  const first = await prisma.messageEvent.findMany({
    where: { organizationSid, seq: { gt: after } },
    orderBy: { seq: 'asc' },
    take: TRIM_BATCH,
    select: { seq: true, occurredAt: true },
  });
  const kept = first.findIndex(({ occurredAt }) => occurredAt >= before);
  const last = first.at(kept === -1 ? -1 : kept - 1);
  if (kept === 0 || !last) return { count: 0, last: after };
  // The head first, so that a reader is refused rather than shown a log with a gap. It never moves back, even if two instances trim at once.
  await prisma.eventHead.updateMany({ where: { organizationSid, trimmed: { lt: last.seq } }, data: { trimmed: last.seq } });
  const { count } = await prisma.messageEvent.deleteMany({ where: { organizationSid, seq: { gt: after, lte: last.seq } } });
  return { count, last: last.seq };
}
