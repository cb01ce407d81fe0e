import type { MessageHoldReason, PrismaClient } from '../../../prisma/client/client.ts';
import type { Sql } from '../../database/sql.ts';

// The outbox holds the messages to deliver, by lane. A lane is one conversation: one instance at a time delivers its first message, which keeps its
// order. A lane is claimed with that message (claim-lanes.ts), and released when the message is settled (settle.ts), to be due when the next one may
// follow (docs/adr/0007, 0019).

/** How long a claim holds without being renewed, in ms. */
export const LEASE_MS = 15_000;

/** A lane that this instance may work on until it releases it or the lease expires. */
export interface Claim {
  readonly lane: string;
  readonly organizationSid: string;
  /** A random id of the claim. */
  readonly holder: string;
  /** The lane's count of additions when it was claimed. */
  readonly additions: number;
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
  /** Whether there were others behind it in its lane. */
  readonly hasMore: boolean;
}

/** Releases all lanes of a holder, for when the response to `claimLanes` was lost. */
export async function releaseClaims(prisma: PrismaClient, holder: string): Promise<void> {
  // In the order in which accepting messages locks them, against deadlocks.
  await prisma.$executeRaw`
    UPDATE outbox_lane SET holder = NULL, due = to_timestamp(0)
    WHERE lane IN (SELECT lane FROM outbox_lane WHERE holder = ${holder} ORDER BY lane FOR UPDATE)`;
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
 * Releases a lane, to be due after a pause. Lanes of one organization that are released together are released by one statement.
 * @param pauseMs in ms
 */
export async function releaseLane(sql: Sql, { lane, holder, organizationSid }: Claim, pauseMs: number): Promise<void> {
  await sql.writeTogether({ text: RELEASE, values: [lane, holder, Math.ceil(pauseMs)], group: organizationSid, key: lane });
}

const RELEASE = `
  WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[]) AS given (lane, holder, pause_ms)
  ), locked AS MATERIALIZED (
    SELECT l.lane, pause_ms FROM given JOIN outbox_lane l ON l.lane = given.lane COLLATE "C" AND l.holder = given.holder ORDER BY l.lane FOR UPDATE OF l
  )
  UPDATE outbox_lane l SET holder = NULL, due = now() + pause_ms * interval '1 millisecond' FROM locked WHERE l.lane = locked.lane`;

/**
 * Deletes a lane that was claimed without a message, unless one has been added since. A subquery on the outbox would not see that: it reads what was
 * there before the statement waited for the lane.
 */
export async function dropEmptyLane(prisma: PrismaClient, { lane, holder, additions }: Claim): Promise<void> {
  await prisma.$executeRaw`DELETE FROM outbox_lane WHERE lane = ${lane} AND holder = ${holder} AND additions = ${additions}`;
}

/** How many lanes a statement looks at. */
const LANES_BATCH = 1000;

/**
 * Makes lanes for messages that have none, so that none waits forever: an instance of an older version, which does not count additions, may have added
 * one while a lane was being deleted.
 * @returns how many lanes
 */
export async function restoreLanes(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  let restored = 0;
  for (let after: string | null = ''; after !== null && !signal?.aborted; ) {
    // The lanes are found one by one along the index, so that a long one costs no more than a short one. A subquery, since a join reads all lanes.
    const found: { restored: number; last: string | null }[] = await prisma.$queryRaw`
      WITH RECURSIVE lanes AS (
        (SELECT lane FROM outbox WHERE lane > ${after} ORDER BY lane LIMIT 1)
        UNION ALL
        SELECT (SELECT o.lane FROM outbox o WHERE o.lane > l.lane ORDER BY o.lane LIMIT 1) FROM lanes l WHERE l.lane IS NOT NULL
      ), batch AS MATERIALIZED (
        SELECT lane FROM lanes WHERE lane IS NOT NULL LIMIT ${LANES_BATCH}
      ), restored AS (
        INSERT INTO outbox_lane (lane, organization_sid)
        SELECT b.lane, m.organization_sid FROM batch b
        CROSS JOIN LATERAL (SELECT message_sid FROM outbox o WHERE o.lane = b.lane ORDER BY o.seq LIMIT 1) first
        JOIN message m ON m.sid = first.message_sid
        WHERE (SELECT l.lane FROM outbox_lane l WHERE l.lane = b.lane) IS NULL ORDER BY 1
        ON CONFLICT (lane) DO NOTHING
        RETURNING 1
      )
      SELECT (SELECT count(*) FROM restored)::int AS restored, (SELECT max(lane) FROM batch HAVING count(*) = ${LANES_BATCH}) AS last`;
    restored += found[0]?.restored ?? 0;
    after = found[0]?.last ?? null;
  }
  return restored;
}
