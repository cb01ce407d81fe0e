import { LRUCache } from 'lru-cache';
import type { TeamsInstallation } from '../../../../prisma/client/client.ts';
import type { Gateway } from '../../../domain/gateway.ts';
import type { DeliveryError } from '../../../platforms/delivery-error.ts';
import { type ClaimLoop, startClaimLoop } from '../../claim-loop.ts';
import { LEASE_MS } from '../../outbox/outbox.ts';
import { workOnInstallation } from './app-installation.ts';

/** How many apps to install at once on an instance, and of one enterprise at most. Each takes three requests of Graph, which takes 30 a second of an app. */
const CONCURRENCY = 8;
const PER_ENTERPRISE = 4;

/** How long a bot's refusal counts for its other users, in ms. */
const REFUSED_MS = 60_000;

/** Starts installing bots' apps for the users that ask for it, as rows of teams_installation. Several instances share them. */
export function startInstaller(gateway: Gateway, { pollMs = 5000 }: { readonly pollMs?: number } = {}): ClaimLoop {
  const refused = new LRUCache<string, DeliveryError>({ max: 10_000, ttl: REFUSED_MS });
  return startClaimLoop<TeamsInstallation>({
    log: gateway.log,
    source: 'the installations of apps',
    concurrency: CONCURRENCY,
    pollMs,
    minIntervalMs: 100,
    claim: (free, inProgress) => claimInstallations(gateway, free, [...inProgress]),
    isLimited: () => true,
    renew: (inProgress) => renewClaims(gateway, inProgress),
    work: async (row) => {
      await workOnInstallation(gateway, row, refused);
      return 0;
    },
    logged: ({ enterpriseSid }) => ({ enterpriseSid }),
  });
}

/** Claims installations that are due. Enterprises are found one by one along the index, so that an import of one delays no other. */
async function claimInstallations(
  { prisma }: Gateway,
  limit: number,
  inProgress: readonly TeamsInstallation[],
): Promise<TeamsInstallation[]> {
  const busy = [...new Set(inProgress.map(({ enterpriseSid }) => enterpriseSid))];
  return prisma.$queryRaw<TeamsInstallation[]>`
    WITH RECURSIVE waiting AS (
      (SELECT enterprise_sid FROM teams_installation WHERE due IS NOT NULL ORDER BY enterprise_sid LIMIT 1)
      UNION ALL
      SELECT (SELECT i.enterprise_sid FROM teams_installation i WHERE i.due IS NOT NULL AND i.enterprise_sid > w.enterprise_sid
        ORDER BY i.enterprise_sid LIMIT 1)
      FROM waiting w WHERE w.enterprise_sid IS NOT NULL
    ), ready AS MATERIALIZED (
      SELECT found.* FROM waiting w CROSS JOIN LATERAL (
        SELECT i.enterprise_sid, i.object_id FROM teams_installation i WHERE i.enterprise_sid = w.enterprise_sid AND i.due <= now()
        ORDER BY i.due LIMIT ${Math.min(limit, PER_ENTERPRISE)} FOR UPDATE SKIP LOCKED) found
      WHERE w.enterprise_sid <> ALL (${busy}::text[]) LIMIT ${limit}
    )
    UPDATE teams_installation i SET due = now() + ${LEASE_MS} * interval '1 millisecond'
    FROM ready WHERE i.enterprise_sid = ready.enterprise_sid AND i.object_id = ready.object_id
    RETURNING i.organization_sid AS "organizationSid", i.enterprise_sid AS "enterpriseSid", i.object_id AS "objectId", i.installed, i.removed, i.due,
      i.attempts, i.error_code AS "errorCode", i.error_message AS "errorMessage", i.welcomed, i.date_updated AS "dateUpdated", i.application_id AS "applicationId"`;
}

async function renewClaims({ prisma }: Gateway, rows: readonly TeamsInstallation[]): Promise<void> {
  await prisma.$executeRaw`
    UPDATE teams_installation i SET due = now() + ${LEASE_MS} * interval '1 millisecond'
    FROM unnest(${rows.map((row) => row.enterpriseSid)}::text[], ${rows.map((row) => row.objectId)}::text[]) AS claimed (enterprise_sid, object_id)
    WHERE i.enterprise_sid = claimed.enterprise_sid AND i.object_id = claimed.object_id AND i.due > now()`;
}
