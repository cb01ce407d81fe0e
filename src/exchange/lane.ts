import { isUnavailable } from '../database/unavailable.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { RetryPolicy } from './backoff.ts';
import { deliverNext } from './delivery.ts';
import { type Claim, releaseLane } from './outbox.ts';
import { retryUntilWritten } from './retry-until-written.ts';

/** How long an instance works on a lane before it releases it, so that others get their turn, in ms. */
const SLICE_MS = 500;

/**
 * Delivers a claimed lane's messages in order, until it is empty, one of them has to be retried, or its time slice is over. Then releases it.
 * @returns the pause after which the lane is due again, in ms; 0 if it is due now, or empty
 */
export async function workOnLane(gateway: Gateway, claim: Claim, retry: RetryPolicy, shouldStop: () => boolean): Promise<number> {
  const { prisma, log } = gateway;
  const sliceEnd = Date.now() + SLICE_MS;
  let pauseMs = 0;
  try {
    while (!shouldStop() && Date.now() < sliceEnd) {
      const step = await deliverNext(gateway, claim, retry, shouldStop);
      if (step === 'continue') continue;
      if (step !== 'release') pauseMs = step.pauseMs;
      break;
    }
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    log.error({ err: error, organizationSid: claim.organizationSid }, 'delivery is waiting for the database');
  }
  await retryUntilWritten(log, () => releaseLane(prisma, claim, pauseMs), shouldStop);
  return pauseMs;
}
