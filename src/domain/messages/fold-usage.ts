import { Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { inTransaction } from '../transaction.ts';

/** How many changes one statement adds up. */
const CHANGES = 20_000;
/** How many messages of before are counted at once, while the organization's others wait. */
const MESSAGES = 5000;

/** The grains of usage, as the migration describes them: the length of a slot, and by what. */
export const GRAINS = {
  organization: { day: 1, hour: 2, quarter: 3 },
  enterprise: { day: 4, hour: 5, quarter: 7 },
  mapping: { day: 6, hour: 7, quarter: 7 },
} as const;

/** Slots are counted from here. */
const ORIGIN = "'2000-01-01Z'";

/**
 * Adds what messages changed to the rollups, in one statement at a time: readers see a change either there or here. Two instances may do so at once,
 * since each takes rows of its own, and adds to rollups in their order.
 * @param signal aborted when no further statement is to begin
 * @returns how many changes were added
 */
export async function foldUsage(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  let folded = 0;
  while (!signal?.aborted) {
    const [row] = await prisma.$queryRaw<{ count: number }[]>`
      WITH taken AS (
        DELETE FROM usage_change WHERE ctid = ANY (ARRAY(SELECT ctid FROM usage_change LIMIT ${CHANGES} FOR UPDATE SKIP LOCKED)) RETURNING *
      ), summed AS (
        SELECT organization_sid, enterprise_sid, mapping_sid, slot, direction, type, status, bucket, sum(messages) AS messages, sum(segments) AS segments
        FROM taken GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 HAVING sum(messages) <> 0 OR sum(segments) <> 0
      ), added AS (
        INSERT INTO usage AS u (organization_sid, grain, mapping_sid, enterprise_sid, slot, direction, type, status, bucket, messages, segments)
        SELECT organization_sid, grain, (CASE WHEN by_mapping THEN mapping_sid ELSE '' END) COLLATE "C",
          (CASE WHEN by_enterprise THEN enterprise_sid ELSE '' END) COLLATE "C", date_bin(width, slot, ${Prisma.raw(ORIGIN)}), direction, type, status, bucket,
          sum(messages), sum(segments)
        FROM summed CROSS JOIN (VALUES (1::smallint, interval '1 day', false, false), (2, interval '1 hour', false, false),
          (3, interval '15 min', false, false), (4, interval '1 day', true, false), (5, interval '1 hour', true, false),
          (6, interval '1 day', true, true), (7, interval '15 min', true, true)) AS g (grain, width, by_enterprise, by_mapping)
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 HAVING sum(messages) <> 0 OR sum(segments) <> 0 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9
        ON CONFLICT (organization_sid, grain, mapping_sid, enterprise_sid, slot, direction, type, status, bucket)
          DO UPDATE SET messages = u.messages + excluded.messages, segments = u.segments + excluded.segments
      )
      SELECT count(*)::int AS count FROM taken`;
    const count = row?.count ?? 0;
    folded += count;
    if (count < CHANGES) break;
  }
  // What no message is any more, e.g. QUEUED.
  if (folded > 0) await prisma.$executeRaw`DELETE FROM usage WHERE messages = 0 AND segments = 0`;
  return folded;
}

/**
 * Counts the messages that were stored before usage was, oldest first. Each batch locks the organization's row of usage_fill, which whatever changes a
 * message meanwhile waits for: it is then either counted here or records its change, never both.
 * @param signal aborted when no further batch is to begin
 * @returns how many organizations were done
 */
export async function fillUsage(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  let done = 0;
  for (const { organizationSid } of await prisma.usageFill.findMany({ orderBy: { organizationSid: 'asc' } })) {
    while (!signal?.aborted) {
      if (await fillOnce(prisma, organizationSid)) {
        done += 1;
        break;
      }
    }
  }
  return done;
}

/** @returns whether all of the organization's messages are counted */
function fillOnce(prisma: PrismaClient, organizationSid: string): Promise<boolean> {
  return inTransaction(prisma, async (tx) => {
    const [fill] = await tx.$queryRaw<{ position: Date; until: Date }[]>`
      SELECT position, until FROM usage_fill WHERE organization_sid = ${organizationSid} FOR UPDATE`;
    if (!fill) return true;
    // A statement of its own sees what was stored before the lock. Messages of one time are not split.
    const [next] = await tx.$queryRaw<{ time: Date }[]>`
      SELECT date_created AS time FROM message WHERE organization_sid = ${organizationSid} AND date_created >= ${fill.position}
        AND date_created < ${fill.until} ORDER BY date_created OFFSET ${MESSAGES} LIMIT 1`;
    const end = next && next.time > fill.position ? next.time : fill.until;
    await tx.$executeRaw`
      INSERT INTO usage_change (organization_sid, enterprise_sid, mapping_sid, slot, direction, type, status, bucket, messages, segments)
      SELECT organization_sid, enterprise_sid, coalesce(mapping_sid, former_mapping_sid, ''), date_bin('15 min', date_created, ${Prisma.raw(ORIGIN)}),
        direction, type, channel_status, delivery_bucket(channel_status, date_created, date_updated), count(*), sum(segments)
      FROM message WHERE organization_sid = ${organizationSid} AND date_created >= ${fill.position} AND date_created < ${end}
      GROUP BY 1, 2, 3, 4, 5, 6, 7, 8`;
    if (end < fill.until) await tx.usageFill.update({ where: { organizationSid }, data: { position: end } });
    else await tx.usageFill.delete({ where: { organizationSid } });
    return end >= fill.until;
  });
}
