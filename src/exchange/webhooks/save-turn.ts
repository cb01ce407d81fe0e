import { randomUUID } from 'node:crypto';
import { appendAudit } from '../../domain/audit.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { inTransaction } from '../../domain/transaction.ts';
import { recordAttempts } from '../../domain/webhooks/attempts.ts';
import { isAccepted } from '../../domain/webhooks/send-signed.ts';
import { nextPause } from '../backoff.ts';
import type { GivenUpReason, ObserveDisabled } from '../observed.ts';
import { type EndpointClaim, SLOW_MS } from './claim-endpoints.ts';
import type { TurnResult } from './turn.ts';

/** When to retry a failed request, and when to give up, in ms. */
export interface WebhookRetries {
  /** The first pause is between one and two times this. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
  /** Upper bound for an endpoint's Retry-After. */
  readonly maxRetryAfterMs: number;
  /** An endpoint that has failed for this long without progress is disabled. Time in which nobody sends to it does not count. */
  readonly giveUpMs: number;
}

const HOUR_MS = 60 * 60_000;
export const WEBHOOK_RETRIES: WebhookRetries = {
  ...{ firstPauseMs: 2000, maxPauseMs: HOUR_MS, maxRetryAfterMs: 24 * HOUR_MS, giveUpMs: 72 * HOUR_MS },
};
/** After events that an endpoint does not want, in ms: a busy log with a narrow filter costs a turn a second. */
const IDLE_MS = 1000;
/** The endpoint says that it is no more (RFC 9110, 15.5.11). */
const GONE = 410;

/**
 * Saves what a turn has come to, and releases the claim. If the endpoint was changed meanwhile, or another instance has taken it over, only the attempts
 * are recorded: what was sent may then be sent again.
 * @param observeDisabled called if the endpoint was disabled, with the reason
 * @returns in how many ms the endpoint is due again
 */
export async function saveTurn(
  gateway: Gateway,
  { endpoint, holder, overdueMs }: EndpointClaim,
  { position, accepted, attempts, hasMore, hadNoPlace, failure }: TurnResult,
  retries: WebhookRetries,
  observeDisabled?: ObserveDisabled,
): Promise<number> {
  const { sid, organizationSid, generation } = endpoint;
  const now = Date.now();
  const hasAdvanced = position > endpoint.position;
  // A turn that ended before an answer, since the gateway stops or others took its time, says nothing about the endpoint.
  const isUntold = !failure && !hasAdvanced && hasMore && !attempts.some(isAccepted);
  const failures = failure ? (hasAdvanced ? 1 : endpoint.failures + 1) : isUntold ? endpoint.failures : 0;
  // While nobody sends, since its creator is suspended or the gateway is down, the endpoint does not fail.
  const before = endpoint.failingSince && new Date(Math.min(endpoint.failingSince.getTime() + overdueMs, now));
  // What the gateway cannot sign, it tries for ever: the endpoint has not failed.
  const failedSince = failure && !failure.sealError ? ((hasAdvanced ? null : before) ?? new Date(now)) : null;
  const failingSince = isUntold ? before : failedSince;
  const pauseMs = failure ? nextPause(retries, failures, failure.retryAfterMs) : hasMore || attempts.length > 0 ? 0 : IDLE_MS;
  const reason = failure && reasonToDisable(failure.status, failingSince, now, retries);
  await recordAttempts(gateway, endpoint, attempts);
  const isDisabled = await inTransaction(gateway.prisma, async (tx) => {
    const mine = { sid, organizationSid, holder };
    const { count } = await tx.webhookEndpoint.updateMany({
      where: { ...mine, generation },
      data: {
        ...{ position, accepted: [...accepted], failures, failingSince, holder: null, due: new Date(now + pauseMs) },
        slow: attempts.length > 0 ? attempts.some(({ durationMs }) => durationMs >= SLOW_MS) : hadNoPlace || endpoint.slow,
        ...(reason && { status: 'DISABLED', disabledReason: reason, dateDisabled: new Date(now) }),
      },
    });
    if (count === 0) await tx.webhookEndpoint.updateMany({ where: mine, data: { holder: null, due: new Date(now) } });
    if (count === 0 || !reason) return false;
    await appendAudit(tx, { organizationSid, requestId: randomUUID() }, [{ action: 'webhook.disable', targetSid: sid }]);
    return true;
  });
  const logged = { organizationSid, endpointSid: sid, status: failure?.status ?? undefined, error: failure?.error ?? undefined };
  if (isDisabled && reason) {
    observeDisabled?.(reason);
    gateway.log.warn({ ...logged, reason }, 'a webhook endpoint was disabled');
  } else if (failure?.sealError) {
    gateway.log.error(
      { ...logged, err: failure.sealError, failures, pauseMs },
      'cannot sign events for a webhook endpoint; retrying later',
    );
  } else if (failure) gateway.log.info({ ...logged, failures, pauseMs }, 'a webhook endpoint did not accept an event; retrying later');
  return pauseMs;
}

function reasonToDisable(
  status: number | null,
  failingSince: Date | null,
  now: number,
  { giveUpMs }: WebhookRetries,
): GivenUpReason | undefined {
  if (status === GONE) return 'GONE';
  return failingSince && now - failingSince.getTime() >= giveUpMs ? 'FAILING' : undefined;
}
