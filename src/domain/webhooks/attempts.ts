import type { PrismaClient, WebhookAttempt } from '../../../prisma/client/client.ts';
import type { WebhookOutcome } from '../../platforms/webhooks/client.ts';
import { deleteExpired } from '../delete-expired.ts';
import type { Gateway } from '../gateway.ts';
import { invalidParameter } from '../input.ts';
import { MAX_PAGE_SIZE } from '../lists/keyset.ts';

/** How many attempts of an endpoint are kept: those that a list can show. And for how long, in ms. */
const KEPT = MAX_PAGE_SIZE;
const KEPT_MS = 7 * 24 * 60 * 60_000;

/** A request to an endpoint, and what became of it. */
export interface WebhookRequestOutcome extends Pick<WebhookOutcome, 'status' | 'error' | 'durationMs'> {
  readonly webhookId: string;
  readonly eventType: string;
  readonly messageSid: string | null;
}

interface EndpointKey {
  readonly sid: string;
  readonly organizationSid: string;
}

/** Records attempts, and forgets the oldest ones of the endpoint. Nothing is recorded of one that was deleted meanwhile. */
export async function recordAttempts(
  { prisma }: Pick<Gateway, 'prisma'>,
  endpoint: EndpointKey,
  attempts: readonly WebhookRequestOutcome[],
): Promise<void> {
  if (attempts.length === 0) return;
  const { sid, organizationSid } = endpoint;
  if ((await prisma.webhookEndpoint.count({ where: { organizationSid, sid } })) === 0) return;
  const data = attempts.map(({ webhookId, eventType, messageSid, status, error, durationMs }) => ({
    ...{ endpointSid: sid, organizationSid, webhookId, eventType, messageSid, status, error, durationMs },
  }));
  await prisma.webhookAttempt.createMany({ data });
  await prisma.$executeRaw`
    DELETE FROM webhook_attempt WHERE organization_sid = ${organizationSid} AND endpoint_sid = ${sid} AND number <= (
      SELECT number FROM webhook_attempt WHERE endpoint_sid = ${sid} ORDER BY number DESC OFFSET ${KEPT} LIMIT 1)`;
}

/**
 * Reads the latest attempts of an endpoint that the caller has found, the newest first.
 * @throws InvalidInputError INVALID_PARAMETER for a count out of range
 */
export async function listAttempts({ prisma }: Gateway, { sid, organizationSid }: EndpointKey, first: number): Promise<WebhookAttempt[]> {
  if (first < 0 || first > MAX_PAGE_SIZE) throw invalidParameter(['first'], `must be from 0 to ${MAX_PAGE_SIZE}`, first);
  return prisma.webhookAttempt.findMany({ where: { organizationSid, endpointSid: sid }, orderBy: { number: 'desc' }, take: first });
}

/** Deletes the attempts of more than a week ago. */
export const purgeAttempts = (prisma: PrismaClient, signal?: AbortSignal): Promise<number> =>
  deleteExpired(prisma, { table: 'webhook_attempt', column: 'date_created' }, new Date(Date.now() - KEPT_MS), signal);
