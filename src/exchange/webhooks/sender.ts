import type { Gateway } from '../../domain/gateway.ts';
import { type ClaimLoop, startClaimLoop } from '../claim-loop.ts';
import type { ObserveDisabled } from '../observed.ts';
import { claimEndpoints, type EndpointClaim, isSlow, organizationsWithEndpoints, renewClaims } from './claim-endpoints.ts';
import { createHostPlaces } from './host-places.ts';
import { saveTurn, WEBHOOK_RETRIES, type WebhookRetries } from './save-turn.ts';
import { takeTurn } from './turn.ts';

interface WebhookSenderOptions {
  /** How often to check without being woken, in ms. */
  readonly pollMs?: number;
  readonly retries?: WebhookRetries;
  readonly observeDisabled?: ObserveDisabled;
}

export interface WebhookSender extends Pick<ClaimLoop, 'stop'> {
  /** Checks the organization's endpoints now: its log has grown. Costs nothing if it has none. */
  wake(organizationSid: string): void;
}

/**
 * Endpoints that this instance delivers to at once: those that answer, those of one organization, and those that were slow the last time, which thus delay only
 * each other. Endpoints that turn slow leave their places to others, until there are this many in all.
 */
const QUICK = 32;
const PER_ORGANIZATION = 8;
const SLOW = 8;
const CONCURRENCY = 128;
/** The minimum interval between two checks, in ms. */
const MIN_INTERVAL_MS = 100;

/** Starts delivering message events to webhook endpoints. Several instances share the endpoints; one at a time delivers to each. */
export function startWebhookSender(
  gateway: Gateway,
  { pollMs = 1000, retries = WEBHOOK_RETRIES, observeDisabled }: WebhookSenderOptions = {},
): WebhookSender {
  const places = createHostPlaces();
  const stopping = new AbortController();
  /** The organizations that have endpoints, as far as this instance knows. */
  let organizations = new Set<string>();
  let readAt = Number.NEGATIVE_INFINITY;

  async function readOrganizations(): Promise<void> {
    if (performance.now() - readAt < pollMs) return;
    organizations = new Set(await organizationsWithEndpoints(gateway));
    readAt = performance.now();
  }

  const loop = startClaimLoop<EndpointClaim>({
    log: gateway.log,
    source: 'the webhook endpoints',
    concurrency: CONCURRENCY,
    pollMs,
    minIntervalMs: MIN_INTERVAL_MS,
    claim: async (free, inProgress) => {
      await readOrganizations();
      if (organizations.size === 0) return [];
      return claimEndpoints(gateway, { free, perOrganization: PER_ORGANIZATION, quick: QUICK, slow: SLOW }, inProgress);
    },
    isLimited: (inProgress) => [...inProgress].filter((claim) => !isSlow(claim)).length >= QUICK,
    renew: (inProgress) => renewClaims(gateway, inProgress),
    logged: ({ endpoint }) => ({ endpointSid: endpoint.sid, organizationSid: endpoint.organizationSid }),
    work: async (claim) => saveTurn(gateway, claim, await takeTurn(gateway, claim, places, stopping.signal), retries, observeDisabled),
  });
  return {
    wake: (organizationSid) => {
      if (organizations.has(organizationSid)) loop.wake();
    },
    stop: () => {
      stopping.abort();
      return loop.stop();
    },
  };
}
