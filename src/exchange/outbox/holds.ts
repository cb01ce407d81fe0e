import { type MessageHoldReason, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { inTransaction, type Transaction } from '../../domain/transaction.ts';
import { HOLDS, releaseLanes } from '../../domain/waiting.ts';
import type { CurableError } from '../../platforms/delivery-error.ts';
import type { RetryPolicy } from '../backoff.ts';
import type { MessageToDeliver } from './claim-lanes.ts';
import type { Claim, Hold, OutboxEntry } from './outbox.ts';

/** A lane that was held. */
interface Held {
  /** When to try its first message again, in ms. */
  readonly pauseMs: number;
  /** Whether this is the first lane that waits for this cause, so that somebody has to be alerted. */
  readonly isNews: boolean;
}

/**
 * Holds a lane because of its first message's failure, and releases its claim: its messages wait in order, are marked as stuck, and have all of their
 * retries left. One transaction does both: a cure in between would find the lane claimed, and releasing it later would put the cure off by the pause.
 * @returns `undefined` if the claim has been lost
 */
export function holdLane(
  prisma: PrismaClient,
  { lane, holder }: Claim,
  { message, entry, failure }: { readonly message: MessageToDeliver; readonly entry: OutboxEntry; readonly failure: CurableError },
  policy: RetryPolicy,
): Promise<Held | undefined> {
  const { reason, code, message: words } = failure;
  const { organizationSid, enterpriseSid, mappingSid, accountSid } = message;
  return inTransaction(prisma, async (tx) => {
    const claimed = await tx.$queryRaw<unknown[]>`SELECT 1 FROM outbox_lane WHERE lane = ${lane} AND holder = ${holder} FOR UPDATE`;
    if (claimed.length === 0) return undefined;
    const before = await tx.laneHold.findUnique({ where: { lane } });
    const isSame = before?.reason === reason;
    const isNews = !isSame && (await isFirst(tx, lane, reason, message));
    const cause = { reason, code, message: words, organizationSid, enterpriseSid, mappingSid, accountSid, released: false };
    const since = isSame ? before.since : new Date();
    const probes = isSame ? before.probes + 1 : 0;
    await tx.laneHold.upsert({ where: { lane }, create: { lane, ...cause, since, probes }, update: { ...cause, since, probes } });
    await tx.outbox.update({ where: { messageSid: message.sid }, data: { attempts: 0, attemptStarted: entry.attemptStarted } });
    await tx.$executeRaw`
      WITH mine AS (
        SELECT m.sid FROM message m WHERE ${isInLane(lane)}
          AND (m.hold_reason, m.channel_error_code) IS DISTINCT FROM (${reason}::message_hold_reason, ${code})
        ORDER BY m.sid FOR UPDATE OF m
      )
      UPDATE message m SET stuck = true, hold_reason = ${reason}::message_hold_reason, held_since = ${since}, channel_error_code = ${code},
        channel_error_message = ${words}
      FROM mine WHERE m.sid = mine.sid`;
    // A cure that happened while the attempt was under way: try again at once.
    const isReleased = before?.released || (await isOutdated(tx, message));
    const pauseMs = isReleased ? 0 : probePause(policy, reason, probes);
    await tx.$executeRaw`
      UPDATE outbox_lane SET held = true, holder = NULL, due = now() + ${pauseMs} * interval '1 millisecond' WHERE lane = ${lane}`;
    return { isNews, pauseMs };
  });
}

/** The messages of a lane. To prevent deadlocks, statements that change several lock them in the order of their sids, as reports do (status-reports.ts). */
const isInLane = (lane: string) => Prisma.sql`m.sid = ANY (ARRAY(SELECT message_sid FROM outbox WHERE lane = ${lane}))`;

/** Whether no other lane waits for the same cause. Lanes that are held at the same time take turns here, so that one of them is the first. */
async function isFirst(tx: Transaction, lane: string, reason: MessageHoldReason, message: MessageToDeliver): Promise<boolean> {
  const { scope } = HOLDS[reason];
  if (scope === 'lane') return true;
  const where: Prisma.LaneHoldWhereInput = { reason, ...scopeOf(scope, message) };
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${JSON.stringify(where)}))`;
  return (await tx.laneHold.count({ where: { ...where, lane: { not: lane } } })) === 0;
}

function scopeOf(scope: 'enterprise' | 'account' | 'gateway', { enterpriseSid, accountSid }: MessageToDeliver) {
  if (scope === 'enterprise') return { enterpriseSid };
  return scope === 'account' ? { accountSid } : {};
}

/** Whether what decided about the message has changed since it was read. */
async function isOutdated(tx: Transaction, { sid, enterprise, mapping }: MessageToDeliver): Promise<boolean> {
  const now = await tx.message.findUniqueOrThrow({
    where: { sid },
    select: {
      mapping: { select: { dateUpdated: true } },
      enterprise: { select: { dateUpdated: true, bot: { select: { dateUpdated: true } } } },
    },
  });
  const changed = (one: Date | undefined, other: Date | undefined) => one?.getTime() !== other?.getTime();
  return (
    changed(now.enterprise.dateUpdated, enterprise.dateUpdated) ||
    changed(now.enterprise.bot?.dateUpdated, enterprise.bot?.dateUpdated) ||
    changed(now.mapping?.dateUpdated, mapping?.dateUpdated)
  );
}

/** Microsoft copies a new user to all of its servers within minutes. */
const USER_PROBES_PER_PROBE = 20;

/** The pause before a held lane is tried although nothing has happened: it doubles, with its upper half random. */
function probePause({ firstProbeMs, maxProbeMs }: RetryPolicy, reason: MessageHoldReason, probes: number): number {
  const first = reason === 'USER_UNKNOWN' ? firstProbeMs / USER_PROBES_PER_PROBE : firstProbeMs;
  const full = Math.min(first * 2 ** Math.min(probes, 20), maxProbeMs);
  return Math.round(full * (0.75 + Math.random() / 4));
}

/**
 * Ends the hold of a lane, since one of its messages got past the cause, and releases the other lanes that wait for the same cause.
 * @returns how many other lanes were released
 */
export async function endHold(tx: Transaction, lane: string, { reason }: Hold, message: MessageToDeliver): Promise<number> {
  const { scope } = HOLDS[reason];
  // Against deadlocks, lanes are locked before their holds, and in order. The lanes of a wider scope include this one.
  if (scope === 'lane') await tx.$queryRaw`SELECT 1 FROM outbox_lane WHERE lane = ${lane} FOR UPDATE`;
  const released = scope === 'lane' ? 1 : await releaseLanes(tx, { reasons: [reason], ...scopeOf(scope, message) });
  const { count } = await tx.laneHold.deleteMany({ where: { lane, reason } });
  if (count === 0) return 0;
  await tx.outboxLane.updateMany({ where: { lane }, data: { held: false } });
  // Also locks the message that was delivered in spite of the hold: it is no longer in the outbox, and its report is stored next.
  await tx.$executeRaw`
    WITH mine AS (
      SELECT m.sid FROM message m WHERE m.sid = ${message.sid} OR (${isInLane(lane)} AND m.stuck) ORDER BY m.sid FOR UPDATE OF m
    )
    UPDATE message m SET stuck = false, hold_reason = NULL, held_since = NULL, channel_error_code = NULL, channel_error_message = NULL
    FROM mine WHERE m.sid = mine.sid AND mine.sid <> ${message.sid}`;
  return released - 1;
}
