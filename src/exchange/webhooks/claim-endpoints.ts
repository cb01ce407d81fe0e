import { randomUUID } from 'node:crypto';
import { Prisma, type WebhookEndpoint } from '../../../prisma/client/client.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { PAUSED } from '../../domain/webhooks/endpoints.ts';
import { LEASE_MS } from '../outbox/outbox.ts';

/** An endpoint to which this instance delivers until it saves its turn, or the lease expires. */
export interface EndpointClaim {
  readonly endpoint: WebhookEndpoint;
  /** A random id of the claim. */
  readonly holder: string;
  /** When the lease expires, by this process's monotonic clock, in ms: a process that was frozen meanwhile must not go on. */
  leasedUntil: number;
  /** How long the endpoint had been due, in ms: nobody sent to it meanwhile. */
  readonly overdueMs: number;
  /** Since when the endpoint has not answered, by the same clock: since the claim, or its last answer. */
  quietSince: number;
}

/** An endpoint that has taken this long for a request is slow, in ms. */
export const SLOW_MS = 1000;

/** Whether a claim's endpoint was slow the last time, or is now. */
export const isSlow = ({ endpoint, quietSince }: EndpointClaim) => endpoint.slow || performance.now() - quietSince >= SLOW_MS;

/** Finds the organizations that have endpoints to deliver to. */
export async function organizationsWithEndpoints({ prisma }: Pick<Gateway, 'prisma'>): Promise<string[]> {
  const rows = await prisma.$queryRaw<{ sid: string }[]>`
    SELECT DISTINCT organization_sid AS sid FROM webhook_endpoint WHERE status = 'ACTIVE'`;
  return rows.map(({ sid }) => sid);
}

/** How many endpoints an instance delivers to at once. */
interface EndpointPlaces {
  /** How many are free, whatever they are used for. */
  readonly free: number;
  /** How many the endpoints have together that are not slow. Those that turn slow leave theirs to others. */
  readonly quick: number;
  /** How many an organization has at most, of slow endpoints and of others. */
  readonly perOrganization: number;
  /** How many all slow endpoints have together, so that they never take those of quick ones. */
  readonly slow: number;
}

/**
 * Claims endpoints that are due and have events before them. Organizations with fewer claims come first, then the endpoints that have waited longest. Endpoints
 * of an account or an admin who is not active pause.
 */
export async function claimEndpoints(
  { prisma }: Pick<Gateway, 'prisma'>,
  { free, perOrganization, quick, slow }: EndpointPlaces,
  inProgress: Iterable<EndpointClaim>,
): Promise<EndpointClaim[]> {
  const holder = randomUUID();
  const leasedUntil = performance.now() + LEASE_MS;
  const claims = [...inProgress];
  // An organization whose endpoints turn slow gets no further ones for it.
  const [busyOrganizations, wereSlow] = [
    claims.map(({ endpoint }) => endpoint.organizationSid),
    claims.map(({ endpoint }) => endpoint.slow),
  ];
  const slowNow = claims.filter(isSlow).length;
  const [freeForSlow, freeForQuick] = [Math.max(0, slow - slowNow), Math.max(0, quick - (claims.length - slowNow))];
  const claimable = [...(freeForSlow > 0 ? [true] : []), ...(freeForQuick > 0 ? [false] : [])];
  if (claimable.length === 0) return [];
  const rows = await prisma.$queryRaw<{ sid: string; overdueMs: number }[]>`
    WITH taken AS MATERIALIZED (
      SELECT sid, due FROM webhook_endpoint WHERE due <= now() AND status = 'ACTIVE' AND sid = ANY (ARRAY(
        SELECT sid FROM (
          SELECT sid, due, place, slow, row_number() OVER (PARTITION BY slow ORDER BY place, due, sid) AS turn FROM (
            SELECT e.sid, e.due, e.slow, row_number() OVER (PARTITION BY e.organization_sid, e.slow ORDER BY e.due, e.sid) + (
              SELECT count(*) FROM unnest(${busyOrganizations}::text[], ${wereSlow}::boolean[]) AS b (sid, slow)
              WHERE b.sid = e.organization_sid AND b.slow = e.slow) AS place
            FROM webhook_endpoint e JOIN event_head h ON h.organization_sid = e.organization_sid
            WHERE e.status = 'ACTIVE' AND e.due <= now() AND e.position < h.seq AND e.slow = ANY (${claimable}::boolean[])
              AND NOT (${Prisma.raw(PAUSED)})
          ) AS waiting WHERE place <= ${perOrganization}
        ) AS fair WHERE turn <= CASE WHEN slow THEN ${freeForSlow}::int ELSE ${freeForQuick}::int END ORDER BY place, due LIMIT ${free}))
      FOR UPDATE SKIP LOCKED)
    UPDATE webhook_endpoint e SET due = now() + ${LEASE_MS} * interval '1 millisecond', holder = ${holder} FROM taken WHERE e.sid = taken.sid
    RETURNING e.sid, extract(epoch FROM now() - taken.due)::float8 * 1000 AS "overdueMs"`;
  if (rows.length === 0) return [];
  const endpoints = await prisma.webhookEndpoint.findMany({ where: { sid: { in: rows.map(({ sid }) => sid) }, holder } });
  const overdue = new Map(rows.map(({ sid, overdueMs }) => [sid, overdueMs]));
  const quietSince = performance.now();
  return endpoints.map((endpoint) => ({ endpoint, holder, leasedUntil, overdueMs: overdue.get(endpoint.sid) ?? 0, quietSince }));
}

/** Extends the leases of claims. One that another instance has taken over meanwhile ends. */
export async function renewClaims({ prisma }: Pick<Gateway, 'prisma'>, claims: readonly EndpointClaim[]): Promise<void> {
  const leasedUntil = performance.now() + LEASE_MS;
  const [sids, holders] = [claims.map(({ endpoint }) => endpoint.sid), claims.map(({ holder }) => holder)];
  const rows = await prisma.$queryRaw<{ claim: string }[]>`
    UPDATE webhook_endpoint e SET due = now() + ${LEASE_MS} * interval '1 millisecond'
    FROM unnest(${sids}::text[], ${holders}::text[]) AS mine (sid, holder) WHERE e.sid = mine.sid AND e.holder = mine.holder
    RETURNING e.sid || e.holder AS claim`;
  const held = new Set(rows.map(({ claim }) => claim));
  for (const claim of claims) claim.leasedUntil = held.has(claim.endpoint.sid + claim.holder) ? leasedUntil : 0;
}
