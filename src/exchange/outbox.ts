import { randomUUID } from 'node:crypto';
import type { MessageHoldReason, PrismaClient } from '../../prisma/client/client.ts';
import { inTransaction, type Transaction } from '../domain/transaction.ts';

// The outbox holds the messages to deliver, by lane. A lane is one conversation: one instance at a time works on it, which keeps its order.
// Lanes are claimed organization by organization, so that no organization waits behind another's backlog (docs/adr/0007).

/** How long a claim holds without being renewed, in ms. */
export const LEASE_MS = 15_000;

/** A lane that this instance may work on until it releases it or the lease expires. */
export interface Claim {
  readonly lane: string;
  readonly organizationSid: string;
  /** A random id of the claim. */
  readonly holder: string;
}

/**
 * Claims lanes that are due. Organizations are found one by one along the index, so that one's backlog, due or not, costs the others nothing.
 * @param limit how many lanes to claim at most
 * @param perOrganization how many of one organization's lanes to claim at most
 * @param skippedOrganizations sids of organizations to claim nothing of
 * @param holder a fresh id for these claims
 */
export function claimLanes(
  prisma: PrismaClient,
  limit: number,
  perOrganization: number,
  skippedOrganizations: readonly string[] = [],
  holder: string = randomUUID(),
): Promise<Claim[]> {
  return prisma.$queryRaw<Claim[]>`
    WITH RECURSIVE organization AS (
      (SELECT organization_sid FROM outbox_lane ORDER BY organization_sid LIMIT 1)
      UNION ALL
      SELECT (SELECT l.organization_sid FROM outbox_lane l WHERE l.organization_sid > o.organization_sid ORDER BY l.organization_sid LIMIT 1)
      FROM organization o WHERE o.organization_sid IS NOT NULL
    ), ready AS MATERIALIZED (
      SELECT lane FROM organization o CROSS JOIN LATERAL (
        SELECT lane, row_number() OVER (ORDER BY due) AS place FROM (
          SELECT lane, due FROM outbox_lane WHERE organization_sid = o.organization_sid AND due <= now()
          ORDER BY due LIMIT ${perOrganization} FOR UPDATE SKIP LOCKED) oldest
      ) fair
      WHERE o.organization_sid <> ALL (${[...skippedOrganizations]}::text[])
      ORDER BY place LIMIT ${limit}
    )
    UPDATE outbox_lane l SET due = now() + ${LEASE_MS} * interval '1 millisecond', holder = ${holder}
    FROM ready WHERE l.lane = ready.lane
    RETURNING l.lane, l.organization_sid AS "organizationSid", l.holder`;
}

/** Releases all lanes of a holder, for when the response to `claimLanes` was lost. */
export async function releaseClaims(prisma: PrismaClient, holder: string): Promise<void> {
  // In the order in which accepting messages locks them, against deadlocks.
  await prisma.$executeRaw`
    UPDATE outbox_lane SET holder = NULL, due = to_timestamp(0)
    WHERE lane IN (SELECT lane FROM outbox_lane WHERE holder = ${holder} ORDER BY lane FOR UPDATE)`;
}

/** What keeps a lane waiting. */
export interface Hold {
  readonly reason: MessageHoldReason;
  readonly since: Date;
}

/** A message in the outbox. */
export interface OutboxEntry {
  readonly messageSid: string;
  readonly attempts: number;
  /** When the first attempt with an unknown outcome started; `null` if there is none. */
  readonly attemptStarted: Date | null;
  /** What the lane waits for, if it is held. */
  readonly hold: Hold | null;
}

/** Finds the first message of a lane; `undefined` if the lane is empty. */
export async function nextInLane(prisma: PrismaClient, lane: string): Promise<OutboxEntry | undefined> {
  const [next] = await prisma.$queryRaw<(Omit<OutboxEntry, 'hold'> & { reason: Hold['reason'] | null; since: Date | null })[]>`
    SELECT o.message_sid AS "messageSid", o.attempts, o.attempt_started AS "attemptStarted", h.reason::text, h.since
    FROM outbox o LEFT JOIN lane_hold h ON h.lane = o.lane WHERE o.lane = ${lane} ORDER BY o.seq LIMIT 1`;
  if (!next) return undefined;
  const { reason, since, ...entry } = next;
  return { ...entry, hold: reason && since && { reason, since } };
}

/** Extends the leases of these claims. Skips a lane that is locked right now; the next renewal extends it. */
export async function renewLeases(prisma: PrismaClient, claims: readonly Claim[]): Promise<void> {
  await prisma.$executeRaw`
    UPDATE outbox_lane l SET due = now() + ${LEASE_MS} * interval '1 millisecond'
    FROM (SELECT lane FROM outbox_lane JOIN unnest(${claims.map(({ lane }) => lane)}::text[], ${claims.map(({ holder }) => holder)}::text[])
          AS mine (lane, holder) USING (lane, holder) FOR UPDATE OF outbox_lane SKIP LOCKED) held
    WHERE l.lane = held.lane`;
}

/**
 * Records that a request is about to leave, and extends the lease. Keeps the start of an earlier attempt whose outcome is unknown.
 * @returns false if the claim has been lost
 */
export async function startAttempt(prisma: PrismaClient | Transaction, { lane, holder }: Claim, messageSid: string): Promise<boolean> {
  const rows = await prisma.$queryRaw<{ message_sid: string }[]>`
    WITH mine AS (
      UPDATE outbox_lane SET due = now() + ${LEASE_MS} * interval '1 millisecond'
      WHERE lane = ${lane} AND holder = ${holder} RETURNING lane
    )
    UPDATE outbox SET attempts = attempts + 1, attempt_started = coalesce(attempt_started, now())
    FROM mine WHERE message_sid = ${messageSid} AND outbox.lane = mine.lane
    RETURNING message_sid`;
  return rows.length > 0;
}

/**
 * Records that the platform did not accept the message, so that the next attempt need not ask. If the outcome of an earlier attempt is unknown, it
 * remains so.
 * @param isCounted false for an attempt that does not count, since the platform was not asked
 */
export async function clearAttempt(
  prisma: PrismaClient,
  { lane, holder }: Claim,
  { messageSid, attemptStarted }: OutboxEntry,
  isCounted = true,
): Promise<void> {
  await prisma.$executeRaw`
    UPDATE outbox SET attempt_started = ${attemptStarted}, attempts = attempts - ${isCounted ? 0 : 1} FROM outbox_lane l
    WHERE message_sid = ${messageSid} AND outbox.lane = l.lane AND l.lane = ${lane} AND l.holder = ${holder}`;
}

/** Counts an attempt that ended before a request left, so that it is not retried forever. */
export async function countAttempt(prisma: PrismaClient, messageSid: string): Promise<void> {
  await prisma.outbox.updateMany({ where: { messageSid }, data: { attempts: { increment: 1 } } });
}

/**
 * Releases a lane, to be due after a pause. Deletes it if it is empty.
 * @param pauseMs in ms
 */
export async function releaseLane(prisma: PrismaClient, { lane, holder }: Claim, pauseMs: number): Promise<void> {
  await inTransaction(prisma, async (tx) => {
    // The lock keeps others from adding a message between the count and the deletion.
    const [row] = await tx.$queryRaw<
      { lane: string }[]
    >`SELECT lane FROM outbox_lane WHERE lane = ${lane} AND holder = ${holder} FOR UPDATE`;
    if (!row) return;
    if ((await tx.outbox.count({ where: { lane } })) === 0) await tx.outboxLane.delete({ where: { lane } });
    else
      await tx.$executeRaw`UPDATE outbox_lane SET holder = NULL, due = now() + ${pauseMs} * interval '1 millisecond' WHERE lane = ${lane}`;
  });
}
