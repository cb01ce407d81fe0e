import { randomUUID } from 'node:crypto';
import type { WebhookEndpoint } from '../../../prisma/client/client.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { LEASE_MS } from '../outbox/outbox.ts';

/** An endpoint to which this instance delivers until it saves its turn, or the lease expires. */
export interface EndpointClaim {
  readonly endpoint: WebhookEndpoint;
  /** A random id of the claim. */
  readonly holder: string;
  /** When the lease expires, by this process's monotonic clock, in ms: a process that was frozen meanwhile must not go on. */
  leasedUntil: number;
}

/** Finds the organizations that have endpoints to deliver to. */
export async function organizationsWithEndpoints({ prisma }: Pick<Gateway, 'prisma'>): Promise<string[]> {
  const rows = await prisma.$queryRaw<{ sid: string }[]>`
    SELECT DISTINCT organization_sid AS sid FROM webhook_endpoint WHERE status = 'ACTIVE'`;
  return rows.map(({ sid }) => sid);
}

/**
 * Claims endpoints that are due and have events before them, those that have waited longest first.
 * @param limit how many at most
 * @param perOrganization how many of an organization at most, with those in progress
 */
export async function claimEndpoints(
  { prisma }: Pick<Gateway, 'prisma'>,
  limit: number,
  perOrganization: number,
  inProgress: Iterable<EndpointClaim>,
): Promise<EndpointClaim[]> {
  const holder = randomUUID();
  const leasedUntil = performance.now() + LEASE_MS;
  const busy = [...inProgress].map(({ endpoint }) => endpoint.organizationSid);
  const rows = await prisma.$queryRaw<{ sid: string }[]>`
    UPDATE webhook_endpoint SET due = now() + ${LEASE_MS} * interval '1 millisecond', holder = ${holder}
    WHERE sid IN (
      SELECT sid FROM webhook_endpoint WHERE due <= now() AND status = 'ACTIVE' AND sid = ANY (ARRAY(
        SELECT sid FROM (
          SELECT e.sid, e.due, row_number() OVER (PARTITION BY e.organization_sid ORDER BY e.due, e.sid) + (
            SELECT count(*) FROM unnest(${busy}::text[]) AS b (sid) WHERE b.sid = e.organization_sid) AS place
          FROM webhook_endpoint e JOIN event_head h ON h.organization_sid = e.organization_sid
          WHERE e.status = 'ACTIVE' AND e.due <= now() AND e.position < h.seq
        ) AS waiting WHERE place <= ${perOrganization} ORDER BY due LIMIT ${limit}))
      FOR UPDATE SKIP LOCKED)
    RETURNING sid`;
  if (rows.length === 0) return [];
  const endpoints = await prisma.webhookEndpoint.findMany({ where: { sid: { in: rows.map(({ sid }) => sid) }, holder } });
  return endpoints.map((endpoint) => ({ endpoint, holder, leasedUntil }));
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
