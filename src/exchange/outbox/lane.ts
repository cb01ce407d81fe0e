import { isUnavailable } from '../../database/unavailable.ts';
import type { Gateway } from '../../domain/gateway.ts';
import type { RetryPolicy } from '../backoff.ts';
import { retryUntilWritten } from '../retry-until-written.ts';
import type { ClaimedLane } from './claim-lanes.ts';
import { deliverFirst, type LaneStep } from './delivery.ts';
import { inTraceOf } from './message-spans.ts';
import { dropEmptyLane, releaseLane } from './outbox.ts';

/** When the dispatcher ends. */
interface Ends {
  /** Aborted when no further delivery is to begin. Those in progress are still recorded. */
  readonly stopping: AbortSignal;
  /** Aborted when what the database has not taken by then is given up. Absent: nothing is. */
  readonly cutOff?: AbortSignal;
}

/**
 * Delivers the first message of a claimed lane, and releases the lane.
 * @returns the pause after which the lane is due again, in ms; 0 if it is due now; `undefined` if it is known to be empty
 */
export async function workOnLane(gateway: Gateway, lane: ClaimedLane, retry: RetryPolicy, ends: Ends): Promise<number | undefined> {
  const { sql, log } = gateway;
  const isStopping = ends.stopping.aborted;
  const step = lane.first && !isStopping ? await deliverOrWait(gateway, lane, retry, ends.cutOff) : RELEASE_NOW;
  if (!lane.first && !isStopping) await dropEmptyLane(gateway.prisma, lane);
  if (step.mustRelease) await retryUntilWritten(log, () => releaseLane(sql, lane, step.pauseMs), ends.cutOff);
  return step.pauseMs;
}

const RELEASE_NOW: LaneStep = { mustRelease: true, pauseMs: 0 };

async function deliverOrWait(gateway: Gateway, lane: ClaimedLane, retry: RetryPolicy, cutOff?: AbortSignal): Promise<LaneStep> {
  try {
    const { first } = lane;
    if (!first) return RELEASE_NOW;
    const name = first.message.direction === 'OUTBOUND' ? 'deliver to Teams' : 'deliver to phone';
    return await inTraceOf(gateway, first.message.sid, name, () => deliverFirst(gateway, lane, first, retry, cutOff));
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    gateway.log.error({ err: error, organizationSid: lane.organizationSid }, 'delivery is waiting for the database');
    return RELEASE_NOW;
  }
}
