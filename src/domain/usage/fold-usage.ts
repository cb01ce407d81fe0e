import { Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { ADVISORY_LOCKS } from '../../database/advisory-locks.ts';
import { isTimedOut } from '../../database/unavailable.ts';
import { inTransaction } from '../transaction.ts';
import { GRAINS } from './usage-grains.ts';
import { KINDS } from './usage-kinds.ts';

/** How many changes one statement adds up, at most, and at least: fewer if more take longer than a statement may. */
const CHANGES = { most: 20_000, least: 1000 };
/** How many messages of before are counted at once, while the organization's others wait. */
const MESSAGES = 5000;

/** Slots are counted from here. */
const ORIGIN = "'2000-01-01Z'";

/**
 * Adds what messages changed to their slots, in one statement at a time: readers see a change either there or here. Instances take turns, since a slot is
 * read and written as a whole.
 * @param signal aborted when no further statement is to begin
 * @returns how many changes were added
 */
export async function foldUsage(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  let folded = 0;
  // Without changes, it locks nothing.
  if ((await prisma.$queryRaw<unknown[]>`SELECT organization_sid FROM usage_change LIMIT 1`).length === 0) return folded;
  let most = CHANGES.most;
  while (!signal?.aborted) {
    let count: number;
    try {
      count = await foldOnce(prisma, most);
    } catch (error) {
      // Those that are spread over years of full slots may take longer than a statement may: as many would fail each time.
      if (!isTimedOut(error) || most <= CHANGES.least) throw error;
      most = Math.max(CHANGES.least, Math.floor(most / 4));
      continue;
    }
    folded += count;
    if (count < most) break;
  }
  return folded;
}

/** @returns how many of at most so many changes were added up */
function foldOnce(prisma: PrismaClient, changes: number): Promise<number> {
  return inTransaction(prisma, async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${ADVISORY_LOCKS.usage}), set_config('work_mem', '64MB', true)`;
    // A statement of its own sees what was added before the lock. Each slot is looked up by its key, whatever the planner
    // expects: BETWEEN keeps it from the index by slot.
    const [row] = await tx.$queryRaw<{ count: number }[]>`
      WITH taken AS (
        DELETE FROM usage_change WHERE ctid = ANY (ARRAY(SELECT ctid FROM usage_change LIMIT ${changes})) RETURNING *
      ), summed AS (
        SELECT organization_sid, enterprise_sid, mapping_sid, slot, usage_kind(direction, type, status, bucket) AS kind,
          sum(messages)::integer AS messages, sum(segments)::integer AS segments
        FROM taken GROUP BY 1, 2, 3, 4, 5 HAVING sum(messages) <> 0 OR sum(segments) <> 0
      ), added AS (
        SELECT organization_sid, grain, CASE WHEN by_mapping THEN mapping_sid ELSE '' END AS mapping_sid,
          CASE WHEN by_enterprise THEN enterprise_sid ELSE '' END AS enterprise_sid, g.begin,
          kind + CASE WHEN has_quarters THEN ${KINDS} * (extract(epoch FROM slot - g.begin)::integer / 900) ELSE 0 END AS kind, messages, segments
        FROM summed CROSS JOIN LATERAL (VALUES ${GRAIN_ROWS}) AS g (grain, by_enterprise, by_mapping, has_quarters, begin)
      ), places AS (
        SELECT DISTINCT organization_sid, grain, mapping_sid, enterprise_sid, begin FROM added
      ), known AS (
        SELECT p.*, u.row, u.kinds, u.messages, u.segments FROM places p CROSS JOIN LATERAL (
          SELECT ctid AS row, kinds, messages, segments FROM usage_slot u WHERE u.organization_sid = p.organization_sid AND u.grain = p.grain
            AND u.mapping_sid = p.mapping_sid COLLATE "C" AND u.enterprise_sid = p.enterprise_sid COLLATE "C" AND u.slot BETWEEN p.begin AND p.begin OFFSET 0
        ) AS u
      ), merged AS (
        SELECT mapping_sid, enterprise_sid, begin, grain, organization_sid, kind, sum(messages)::integer AS messages, sum(segments)::integer AS segments
        FROM (
          SELECT mapping_sid, enterprise_sid, begin, grain, organization_sid, kind, messages, segments FROM added UNION ALL
          SELECT mapping_sid, enterprise_sid, begin, grain, organization_sid, k.kind, k.messages, k.segments
          FROM known CROSS JOIN LATERAL unnest(string_to_array(kinds, ',')::integer[],
            string_to_array(messages, ',')::integer[], string_to_array(segments, ',')::integer[]) AS k (kind, messages, segments)
        ) AS parts GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(messages) <> 0 OR sum(segments) <> 0
      ), packed AS (
        -- What differs most comes first, for the sake of sorting.
        SELECT mapping_sid, enterprise_sid, begin, grain, organization_sid, string_agg(kind::text, ',' ORDER BY kind) AS kinds,
          string_agg(messages::text, ',' ORDER BY kind) AS messages, string_agg(segments::text, ',' ORDER BY kind) AS segments
        FROM merged GROUP BY 1, 2, 3, 4, 5
      ), written AS (
        INSERT INTO usage_slot (organization_sid, grain, mapping_sid, enterprise_sid, slot, kinds, messages, segments)
        SELECT organization_sid, grain, mapping_sid, enterprise_sid, begin, kinds, messages, segments FROM packed
        ON CONFLICT (organization_sid, grain, mapping_sid, enterprise_sid, slot)
          DO UPDATE SET kinds = excluded.kinds, messages = excluded.messages, segments = excluded.segments
      ), emptied AS (
        DELETE FROM usage_slot WHERE ctid = ANY (ARRAY(SELECT row FROM known WHERE NOT EXISTS (SELECT FROM packed p WHERE
          (p.mapping_sid, p.enterprise_sid, p.begin, p.grain, p.organization_sid)
            = (known.mapping_sid, known.enterprise_sid, known.begin, known.grain, known.organization_sid))))
      )
      SELECT count(*)::int AS count FROM taken`;
    return row?.count ?? 0;
  });
}

const BEGINS = {
  month: "date_trunc('month', slot, 'UTC')",
  ...{ day: `date_bin('1 day', slot, ${ORIGIN})`, hour: `date_bin('1 hour', slot, ${ORIGIN})`, quarter: 'slot' },
} as const;
const GRAIN_ROWS = Prisma.raw(
  Object.entries(GRAINS)
    .flatMap(([by, { whole, quarters }]) =>
      [...whole, quarters].map(
        (own) => `(${own.grain}::smallint, ${by !== 'organization'}, ${by === 'mapping'}, ${own === quarters}, ${BEGINS[own.length]})`,
      ),
    )
    .join(', '),
);

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
