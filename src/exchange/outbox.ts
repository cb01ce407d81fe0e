import { randomUUID } from 'node:crypto';
import type { PrismaClient } from '../../prisma/client/client.ts';
import { inTransaction } from '../domain/transaction.ts';

// The outbox keeps, lane by lane, what is still to be handed over. A lane is one conversation: one instance at a time works on it, so its order
// is kept; lanes are claimed organization by organization, so that nobody waits behind another's backlog (docs/adr/0007).

/** How long an instance may keep a lane without a sign of life, in ms. */
export const LEASE_MS = 15_000;

/** A lane that this instance works on until it is released, or its lease is over. */
export interface Claim {
  readonly lane: string;
  readonly organizationSid: string;
  readonly holder: string;
}

/**
 * Claims lanes that are due: at most `perOrganization` of each organization but those `passedOver`, at most `limit` in all. Organizations are
 * found one by one along the index, so a backlog, due or not, costs nothing to those beside it.
 * @param holder names the claims, and no others
 */
export function claimLanes(
  prisma: PrismaClient,
  limit: number,
  perOrganization: number,
  passedOver: readonly string[] = [],
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
      WHERE o.organization_sid <> ALL (${[...passedOver]}::text[])
      ORDER BY place LIMIT ${limit}
    )
    UPDATE outbox_lane l SET due = now() + ${LEASE_MS} * interval '1 millisecond', holder = ${holder}
    FROM ready WHERE l.lane = ready.lane
    RETURNING l.lane, l.organization_sid AS "organizationSid", l.holder`;
}

/** Gives back what was claimed under this name, of which nobody learned. */
export async function disclaim(prisma: PrismaClient, holder: string): Promise<void> {
  // In their order, as they are locked where messages are accepted.
  await prisma.$executeRaw`
    UPDATE outbox_lane SET holder = NULL, due = to_timestamp(0)
    WHERE lane IN (SELECT lane FROM outbox_lane WHERE holder = ${holder} ORDER BY lane FOR UPDATE)`;
}

/** A message that is to be handed over next. `attemptStarted` is set where an earlier attempt's outcome is unknown. */
export interface OutboxEntry {
  readonly messageSid: string;
  readonly attempts: number;
  readonly attemptStarted: Date | null;
}

/** The first of a lane; `undefined` for an empty one. */
export async function nextInLane(prisma: PrismaClient, lane: string): Promise<OutboxEntry | undefined> {
  const [next] = await prisma.outbox.findMany({ where: { lane }, orderBy: { seq: 'asc' }, take: 1 });
  return next;
}

/** A sign of life: these lanes are still worked on. One that somebody is just writing to has its turn the next time. */
export async function renewLeases(prisma: PrismaClient, claims: readonly Claim[]): Promise<void> {
  await prisma.$executeRaw`
    UPDATE outbox_lane l SET due = now() + ${LEASE_MS} * interval '1 millisecond'
    FROM (SELECT lane FROM outbox_lane JOIN unnest(${claims.map(({ lane }) => lane)}::text[], ${claims.map(({ holder }) => holder)}::text[])
          AS mine (lane, holder) USING (lane, holder) FOR UPDATE OF outbox_lane SKIP LOCKED) held
    WHERE l.lane = held.lane`;
}

/**
 * Notes that a request is about to leave, and renews the lease. While an earlier one's outcome is unknown, its time stays.
 * @returns whether the lane is still this instance's
 */
export async function startAttempt(prisma: PrismaClient, { lane, holder }: Claim, messageSid: string): Promise<boolean> {
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

/** The attempt ended, and surely without the message being taken: the next one need not ask. */
export async function clearAttempt(prisma: PrismaClient, { lane, holder }: Claim, messageSid: string): Promise<void> {
  await prisma.$executeRaw`
    UPDATE outbox SET attempt_started = NULL FROM outbox_lane l
    WHERE message_sid = ${messageSid} AND outbox.lane = l.lane AND l.lane = ${lane} AND l.holder = ${holder}`;
}

/** The attempt ended before a request left. It counts all the same: what never gets so far must not be tried for ever. */
export async function countAttempt(prisma: PrismaClient, messageSid: string): Promise<void> {
  await prisma.outbox.updateMany({ where: { messageSid }, data: { attempts: { increment: 1 } } });
}

/** Gives a lane back, to be worked on again after `pauseMs`. An empty lane goes, unless something was enqueued since it was looked at. */
export async function releaseLane(prisma: PrismaClient, { lane, holder }: Claim, pauseMs: number): Promise<void> {
  await inTransaction(prisma, async (tx) => {
    const [row] = await tx.$queryRaw<
      { lane: string }[]
    >`SELECT lane FROM outbox_lane WHERE lane = ${lane} AND holder = ${holder} FOR UPDATE`;
    if (!row) return;
    if ((await tx.outbox.count({ where: { lane } })) === 0) await tx.outboxLane.delete({ where: { lane } });
    else
      await tx.$executeRaw`UPDATE outbox_lane SET holder = NULL, due = now() + ${pauseMs} * interval '1 millisecond' WHERE lane = ${lane}`;
  });
}
