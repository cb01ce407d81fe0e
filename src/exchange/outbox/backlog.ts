import type { Sql } from '../../database/sql.ts';
import type { Platform } from '../../domain/hints.ts';
import { PAUSED } from '../../domain/webhooks/endpoints.ts';
import { organizationsWithLanes } from './claim-lanes.ts';

/** What the outbox holds for one platform. */
interface PlatformBacklog {
  readonly platform: Platform;
  /** Messages in the outbox, up to MAX_COUNTED. */
  readonly depth: number;
  /** The age of the oldest message that nothing holds, in s; 0 if there is none. */
  readonly oldestSeconds: number;
}

/** Webhook endpoints by state: `current`, `behind` the event log, `failing` (retried) or `disabled`. */
interface EndpointBacklog {
  readonly state: string;
  /** Up to MAX_COUNTED in all. */
  readonly endpoints: number;
  /** How many events the one furthest behind has still to look at. */
  readonly behind: number;
}

/** Messages that wait, of all organizations together. */
export interface Backlog {
  readonly platforms: readonly PlatformBacklog[];
  /** Messages that are stuck, up to MAX_COUNTED. */
  readonly stuck: number;
  /** Held lanes by what they wait for, up to MAX_COUNTED in all. */
  readonly held: readonly { readonly reason: string; readonly lanes: number }[];
  readonly webhooks: readonly EndpointBacklog[];
}

/** Counts end here, so that a backlog of any size costs some ms. */
const MAX_COUNTED = 10_000;
/** How many of an organization's lanes, those due first, are asked for their oldest message, and of how many organizations. */
const LANES = 20;
const ORGANIZATIONS = 500;

/** Reads what waits, by indexes and up to limits. */
export async function readBacklog(sql: Sql): Promise<Backlog> {
  const [platforms, [counts], held, webhooks] = await Promise.all([
    sql.queryAsWritten<PlatformBacklog>(PLATFORMS, []),
    sql.queryAsWritten<{ stuck: number }>(STUCK, []),
    sql.queryAsWritten<{ reason: string; lanes: number }>(HELD, []),
    sql.queryAsWritten<EndpointBacklog>(WEBHOOKS, []),
  ]);
  return { platforms, stuck: counts?.stuck ?? 0, held, webhooks };
}

/** The entries of ranges of lanes. An index serves each range. */
const upToMaximum = (ranges: readonly string[]) =>
  ranges.map((range) => `(SELECT 1 FROM outbox WHERE ${range} LIMIT ${MAX_COUNTED})`).join(' UNION ALL ');

/** A lane of a backlog is due the earlier the older it is. */
const platform = (name: Platform, isLaneOfPlatform: string, ranges: readonly string[]) => `
  SELECT '${name}' AS platform,
    (SELECT count(*)::int FROM (SELECT 1 FROM (${upToMaximum(ranges)}) found LIMIT ${MAX_COUNTED}) counted) AS depth,
    coalesce((
      WITH RECURSIVE ${organizationsWithLanes(isLaneOfPlatform)}
      SELECT greatest(0, extract(epoch FROM now() - min(message.date_created)))::float8
      FROM (SELECT organization_sid FROM organization WHERE organization_sid IS NOT NULL LIMIT ${ORGANIZATIONS}) o
        CROSS JOIN LATERAL (
          SELECT lane FROM outbox_lane WHERE ${isLaneOfPlatform} AND organization_sid = o.organization_sid AND NOT held ORDER BY due LIMIT ${LANES}
        ) waiting
        CROSS JOIN LATERAL (SELECT message_sid FROM outbox WHERE outbox.lane = waiting.lane ORDER BY seq LIMIT 1) first
        JOIN message ON message.sid = first.message_sid
    ), 0) AS "oldestSeconds"`;

const PLATFORMS = `${platform('teams', "lane LIKE 'teams:%'", ["lane >= 'teams:' AND lane < 'teams;'"])}
  UNION ALL ${platform('carrier', "lane NOT LIKE 'teams:%'", ["lane < 'teams:'", "lane >= 'teams;'"])}`;

const STUCK = `SELECT count(*)::int AS stuck FROM (SELECT 1 FROM message WHERE stuck LIMIT ${MAX_COUNTED}) counted`;

const HELD = `SELECT reason::text AS reason, count(*)::int AS lanes FROM (SELECT reason FROM lane_hold LIMIT ${MAX_COUNTED}) counted GROUP BY reason`;

const WEBHOOKS = `SELECT state, count(*)::int AS endpoints, max(behind)::float8 AS behind FROM (
    SELECT greatest(0, coalesce(h.seq, 0) - e.position) AS behind,
      CASE WHEN e.status <> 'ACTIVE' THEN 'disabled' WHEN ${PAUSED} THEN 'paused' WHEN e.failures > 0 THEN 'failing' WHEN e.position < h.seq THEN 'behind' ELSE 'current' END AS state
    FROM (SELECT organization_sid, account_sid, admin_sid, status, failures, position FROM webhook_endpoint LIMIT ${MAX_COUNTED}) e
      LEFT JOIN event_head h ON h.organization_sid = e.organization_sid
  ) counted GROUP BY state`;
