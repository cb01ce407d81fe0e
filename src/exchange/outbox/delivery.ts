import { isUnavailable } from '../../database/unavailable.ts';
import { noteCure, noteFault } from '../../domain/bots/bot-health.ts';
import { PlatformError } from '../../domain/errors.ts';
import type { Gateway } from '../../domain/gateway.ts';
import type { StatusReport } from '../../domain/messages/status-reports.ts';
import { inTransaction } from '../../domain/transaction.ts';
import { HOLDS } from '../../domain/waiting.ts';
import { CurableError, DeliveryError, NotYetError } from '../../platforms/delivery-error.ts';
import { MAY_BE_TOO_NEW } from '../../platforms/microsoft/outcomes.ts';
import { nextPause, type RetryPolicy } from '../backoff.ts';
import { applyReport } from '../reports.ts';
import { deliverSms } from '../restcomm/to-sms.ts';
import { retryUntilWritten } from '../retry-until-written.ts';
import { deliverToTeams } from '../teams/to-teams.ts';
import type { Attempt, Delivered } from './attempt.ts';
import { beginAttempt } from './begin.ts';
import type { ClaimedLane, MessageToDeliver } from './claim-lanes.ts';
import { endHold, holdLane } from './holds.ts';
import { type Claim, clearAttempt, countAttempt, type OutboxEntry } from './outbox.ts';
import { requireDeliverable } from './refusals.ts';
import { settleDelivered } from './settle.ts';

/**
 * What is to be done with the lane: whether it still has to be released, and when it is due again, in ms; `undefined` if it was settled, and is empty.
 */
export type LaneStep =
  | { readonly mustRelease: true; readonly pauseMs: number }
  | { readonly mustRelease: false; readonly pauseMs: number | undefined };

const release = (pauseMs: number): LaneStep => ({ mustRelease: true, pauseMs });

/** How long Microsoft may not know the credentials of a bot that was created or updated, in ms. */
const PROPAGATION_MS = 10 * 60_000;
/** For how long a user must be unknown before messages to them fail, in ms. */
const USER_UNKNOWN_MS = 24 * 60 * 60_000;

/**
 * Delivers the first message of a lane. Records the outcome: a new status, a later retry, the lane held until its cause is removed, or the message
 * set aside. A successful delivery is recorded however long the database is away, until `cutOff`; only then is its outcome unknown.
 * @throws a database error if the database is unavailable before the request left; it says nothing about the message
 */
export async function deliverFirst(
  gateway: Gateway,
  claim: Claim,
  { entry, message }: NonNullable<ClaimedLane['first']>,
  retry: RetryPolicy,
  cutOff?: AbortSignal,
): Promise<LaneStep> {
  const { prisma, sql, log } = gateway;
  const isRepeated = entry.attemptStarted !== null;
  let started = false;
  const attempt: Attempt = {
    lane: claim.lane,
    unknownSince: entry.attemptStarted,
    requireDeliverable: () => requireDeliverable(message),
    markStarted: async (partner) => {
      if (!(await beginAttempt(sql, claim, { messageSid: message.sid, isRepeated, partner }))) throw new LaneLost();
      started = true;
    },
  };
  try {
    const delivered = await deliver(gateway, message, attempt);
    return await retryUntilWritten(log, () => settle(gateway, message, entry, claim, delivered), cutOff);
  } catch (error) {
    if (error instanceof LaneLost) return release(0);
    if (!started && isUnavailable(error)) throw error;
    if (error instanceof NotYetError) {
      if (started) await clearAttempt(prisma, claim, entry, false);
      return release(error.waitMs);
    }
    if (!isPlatformsFault(error)) log.error({ err: error, messageSid: message.sid }, 'unexpected error while delivering a message');
    return recordFailure(gateway, claim, { message, entry, failure: asDeliveryError(error, started), started, retry });
  }
}

/** The claim has been lost, or is about to be. */
class LaneLost extends Error {}

async function deliver(gateway: Gateway, message: MessageToDeliver, attempt: Attempt): Promise<Delivered> {
  if (message.direction === 'OUTBOUND') return deliverToTeams(gateway, message, attempt);
  // A status callback can arrive before, or instead of, the response to our own request.
  if (message.restcommMessageSid) return { report: { status: 'SENDING' } };
  return { report: await deliverSms(gateway, message, attempt) };
}

/** Settles a delivered message. It shows that what its lane waited for has been cured. */
async function settle(
  gateway: Gateway,
  message: MessageToDeliver,
  entry: OutboxEntry,
  claim: Claim,
  delivered: Delivered,
): Promise<LaneStep> {
  const { report, pauseMs = 0 } = delivered;
  if (entry.hold) {
    await end(gateway, message, entry, claim, report);
    await noteCure(gateway, message.enterpriseSid, entry.hold.reason);
    return release(pauseMs);
  }
  const remains = await settleDelivered(gateway, claim, entry, report, pauseMs);
  return { mustRelease: false, pauseMs: remains ? pauseMs : undefined };
}

/** Removes a delivered or failed message from the outbox, advances its status, and ends the hold of its lane, in one transaction. */
async function end(
  gateway: Gateway,
  message: MessageToDeliver,
  { hold }: Pick<OutboxEntry, 'hold'>,
  { lane }: Claim,
  report: StatusReport,
): Promise<void> {
  let released = 0;
  await applyReport(gateway, message, report, async (tx) => {
    await tx.outbox.deleteMany({ where: { messageSid: message.sid } });
    if (hold) released = await endHold(tx, lane, hold, message);
  });
  if (released > 0) gateway.hints.queued();
}

interface FailedDelivery {
  readonly message: MessageToDeliver;
  readonly entry: OutboxEntry;
  readonly failure: DeliveryError;
  /** Whether a request left. */
  readonly started: boolean;
  readonly retry: RetryPolicy;
}

function recordFailure(gateway: Gateway, claim: Claim, failed: FailedDelivery): Promise<LaneStep> {
  const { failure, entry, message } = failed;
  if (failure.outcome === 'refused') return fail(gateway, claim, failed, true);
  if (!(failure instanceof CurableError) || isTooNew(failure, message)) return retryLater(gateway, claim, failed);
  const { hold } = entry;
  const isConfirmed = failure.reason === 'USER_UNKNOWN' && hold?.reason === 'USER_UNKNOWN' && age(hold.since) > USER_UNKNOWN_MS;
  if (!isConfirmed) return wait(gateway, claim, { ...failed, failure });
  return entry.attemptStarted ? setAside(gateway, message, failure) : fail(gateway, claim, failed, false);
}

const age = (date: Date) => Date.now() - date.getTime();

/** Whether Microsoft may only not know yet the credentials that it refused. */
const isTooNew = ({ code }: CurableError, { enterprise: { bot } }: MessageToDeliver) =>
  MAY_BE_TOO_NEW.has(code) && bot !== null && age(bot.dateUpdated) < PROPAGATION_MS;

/** The message has failed. Its lane stays held: the failure does not show that a cause was removed. */
async function fail(gateway: Gateway, claim: Claim, { message, failure }: FailedDelivery, isFinal: boolean): Promise<LaneStep> {
  const report = { status: 'FAILED', errorCode: failure.code, errorMessage: failure.message, isFinal } as const;
  await end(gateway, message, { hold: null }, claim, report);
  return release(0);
}

async function wait(
  gateway: Gateway,
  claim: Claim,
  { message, entry, failure, retry }: FailedDelivery & { readonly failure: CurableError },
): Promise<LaneStep> {
  const { prisma, log } = gateway;
  const held = await holdLane(prisma, claim, { message, entry, failure }, retry);
  if (!held) return release(0);
  const { reason, code } = failure;
  const { enterpriseSid, organizationSid } = message;
  const line = { messageSid: message.sid, organizationSid, enterpriseSid, outcome: 'curable', reason, code, cure: HOLDS[reason].cure };
  if (held.isNews) {
    log.warn(line, 'message is stuck');
    await noteFault(gateway, enterpriseSid, failure).catch((error: unknown) =>
      log.warn({ err: error, enterpriseSid }, "cannot note a bot's fault"),
    );
  } else log.debug({ ...line, pauseMs: held.pauseMs }, 'message is still waiting');
  return { mustRelease: false, pauseMs: held.pauseMs };
}

async function retryLater(gateway: Gateway, claim: Claim, { message, entry, failure, started, retry }: FailedDelivery): Promise<LaneStep> {
  const { prisma, log } = gateway;
  const attempts = entry.attempts + 1;
  if (attempts >= retry.limit) return setAside(gateway, message, failure);
  if (!started) await countAttempt(prisma, message.sid);
  else if (failure.outcome !== 'unknown') await clearAttempt(prisma, claim, entry);
  const pauseMs = nextPause(retry, attempts, failure.retryAfterMs);
  log.info({ messageSid: message.sid, code: failure.code, outcome: failure.outcome, attempts, pauseMs }, 'delivery failed; retrying later');
  return release(pauseMs);
}

/**
 * Takes a message out of its lane so that the conversation goes on, and marks it as stuck until retryMessage. Its status stays: nothing is
 * known about it.
 */
async function setAside({ prisma, log }: Gateway, message: MessageToDeliver, { code, message: words }: DeliveryError): Promise<LaneStep> {
  const reason = 'RETRIES_EXHAUSTED';
  const { sid, organizationSid, enterpriseSid } = message;
  await inTransaction(prisma, async (tx) => {
    await tx.outbox.deleteMany({ where: { messageSid: sid } });
    const stuck = { stuck: true, holdReason: reason, heldSince: new Date(), channelErrorCode: code, channelErrorMessage: words } as const;
    await tx.message.update({ where: { sid }, data: stuck });
  });
  log.warn(
    { messageSid: sid, organizationSid, enterpriseSid, outcome: 'retry', reason, code, cure: HOLDS[reason].cure },
    'message is stuck',
  );
  return release(0);
}

const isPlatformsFault = (error: unknown) => error instanceof DeliveryError || error instanceof PlatformError;

function asDeliveryError(error: unknown, started: boolean): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (error instanceof PlatformError)
    return error.cause instanceof DeliveryError ? error.cause : new DeliveryError('retry', 'PLATFORM_ERROR', error.message);
  // The gateway's own fault, perhaps after the platform accepted the message.
  return new DeliveryError(started ? 'unknown' : 'retry', 'INTERNAL', 'Internal error while delivering the message');
}
