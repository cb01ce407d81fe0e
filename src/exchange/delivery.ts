import { isUnavailable } from '../database/unavailable.ts';
import { PlatformError } from '../domain/errors.ts';
import type { Gateway } from '../domain/gateway.ts';
import { inTransaction } from '../domain/transaction.ts';
import { HOLDS } from '../domain/waiting.ts';
import { CurableError, DeliveryError, NotYetError } from '../platforms/delivery-error.ts';
import { MAY_BE_TOO_NEW } from '../platforms/microsoft/outcomes.ts';
import type { Attempt, Delivered, MessageToDeliver } from './attempt.ts';
import { nextPause, type RetryPolicy } from './backoff.ts';
import { endHold, holdLane } from './holds.ts';
import { type Claim, clearAttempt, countAttempt, nextInLane, type OutboxEntry, startAttempt } from './outbox.ts';
import { requireDeliverable } from './refusals.ts';
import { applyReport } from './reports.ts';
import { deliverSms } from './restcomm/to-sms.ts';
import { retryUntilWritten } from './retry-until-written.ts';
import { deliverToTeams } from './teams/to-teams.ts';

/** What to do with the lane next: continue, release it (it is empty, or claimed by another instance), or release it for a pause. */
type LaneStep = 'continue' | 'release' | { readonly pauseMs: number };

/** How long Microsoft may not know the credentials of a bot that was created or updated, in ms. */
const PROPAGATION_MS = 10 * 60_000;
/** For how long a user must be unknown before messages to them fail, in ms. */
const USER_UNKNOWN_MS = 24 * 60 * 60_000;

/**
 * Delivers the first message of a lane. Records the outcome: a new status, a later retry, the lane held until its cause is removed, or the message
 * set aside. A successful delivery is recorded however long the database is away, unless `shouldStop` says to stop; only then is its outcome
 * unknown.
 * @throws a database error if the database is unavailable before the request left; it says nothing about the message
 */
export async function deliverNext(gateway: Gateway, claim: Claim, retry: RetryPolicy, shouldStop: () => boolean): Promise<LaneStep> {
  const { prisma, log } = gateway;
  const entry = await nextInLane(prisma, claim.lane);
  if (!entry) return 'release';
  const message = await prisma.message.findUniqueOrThrow({
    where: { sid: entry.messageSid },
    include: { enterprise: { include: { bot: true } }, mapping: true },
  });
  let started = false;
  const attempt: Attempt = {
    unknownSince: entry.attemptStarted,
    requireDeliverable: () => requireDeliverable(gateway, message),
    markStarted: async (alongside) => {
      const start = async (client: Parameters<typeof startAttempt>[0]) => {
        if (!(await startAttempt(client, claim, message.sid))) throw new LaneLost();
      };
      if (alongside) await inTransaction(prisma, async (tx) => start(tx).then(() => alongside(tx)));
      else await start(prisma);
      started = true;
    },
  };
  try {
    const delivered = await deliver(gateway, message, attempt);
    await retryUntilWritten(log, () => settle(gateway, message, entry, claim, delivered), shouldStop);
    return 'continue';
  } catch (error) {
    if (error instanceof LaneLost) return 'release';
    if (!started && isUnavailable(error)) throw error;
    if (error instanceof NotYetError) {
      if (started) await clearAttempt(prisma, claim, entry, false);
      return { pauseMs: error.waitMs };
    }
    if (!isPlatformsFault(error)) log.error({ err: error, messageSid: message.sid }, 'unexpected error while delivering a message');
    return recordFailure(gateway, claim, { message, entry, failure: asDeliveryError(error, started), started, retry });
  }
}

/** Another instance has claimed the lane. */
class LaneLost extends Error {}

async function deliver(gateway: Gateway, message: MessageToDeliver, attempt: Attempt): Promise<Delivered> {
  if (message.direction === 'OUTBOUND') return deliverToTeams(gateway, message, attempt);
  // A status callback can arrive before, or instead of, the response to our own request.
  if (message.restcommMessageSid) return { report: { status: 'SENDING' } };
  return { report: await deliverSms(gateway, message, attempt) };
}

/**
 * Removes a delivered or failed message from the outbox and advances its status, in one transaction. A delivered one shows that what its lane
 * waited for has been cured.
 */
async function settle(
  gateway: Gateway,
  message: MessageToDeliver,
  { hold }: Pick<OutboxEntry, 'hold'>,
  { lane }: Claim,
  { report, inSameTransaction }: Delivered,
): Promise<void> {
  let released = 0;
  await applyReport(gateway, message, report, async (tx) => {
    await tx.outbox.deleteMany({ where: { messageSid: message.sid } });
    if (hold) released = await endHold(tx, lane, hold, message);
    await inSameTransaction?.(tx);
  });
  if (released > 0) gateway.hints.queued();
}

interface Failure {
  readonly message: MessageToDeliver;
  readonly entry: OutboxEntry;
  readonly failure: DeliveryError;
  /** Whether a request left. */
  readonly started: boolean;
  readonly retry: RetryPolicy;
}

function recordFailure(gateway: Gateway, claim: Claim, failed: Failure): Promise<LaneStep> {
  const { failure, entry, message } = failed;
  if (failure.outcome === 'refused') return fail(gateway, claim, failed, true);
  if (!(failure instanceof CurableError) || isTooNew(failure, message)) return retryLater(gateway, claim, failed);
  const { hold } = entry;
  const isConfirmed = failure.reason === 'USER_UNKNOWN' && hold?.reason === 'USER_UNKNOWN' && age(hold.since) > USER_UNKNOWN_MS;
  return isConfirmed ? fail(gateway, claim, failed, false) : wait(gateway, claim, { ...failed, failure });
}

const age = (date: Date) => Date.now() - date.getTime();

/** Whether Microsoft may only not know yet the credentials that it refused. */
const isTooNew = ({ code }: CurableError, { enterprise: { bot } }: MessageToDeliver) =>
  MAY_BE_TOO_NEW.has(code) && bot !== null && age(bot.dateUpdated) < PROPAGATION_MS;

/** The message has failed. Its lane stays held: the failure does not show that a cause was removed. */
async function fail(gateway: Gateway, claim: Claim, { message, failure }: Failure, isFinal: boolean): Promise<LaneStep> {
  const report = { status: 'FAILED', errorCode: failure.code, errorMessage: failure.message, isFinal } as const;
  await settle(gateway, message, { hold: null }, claim, { report });
  return 'continue';
}

async function wait(
  { prisma, log }: Gateway,
  claim: Claim,
  { message, entry, failure, retry }: Failure & { readonly failure: CurableError },
): Promise<LaneStep> {
  const held = await holdLane(prisma, claim, { message, entry, failure }, retry);
  if (!held) return 'release';
  const { reason, code } = failure;
  const { enterpriseSid, organizationSid } = message;
  const line = { messageSid: message.sid, organizationSid, enterpriseSid, outcome: 'curable', reason, code, cure: HOLDS[reason].cure };
  if (held.isNews) log.warn(line, 'message is stuck');
  else log.debug({ ...line, pauseMs: held.pauseMs }, 'message is still waiting');
  return { pauseMs: held.pauseMs };
}

async function retryLater(gateway: Gateway, claim: Claim, { message, entry, failure, started, retry }: Failure): Promise<LaneStep> {
  const { prisma, log } = gateway;
  const attempts = entry.attempts + 1;
  if (attempts >= retry.limit) {
    await setAside(gateway, message, failure);
    return 'continue';
  }
  if (!started) await countAttempt(prisma, message.sid);
  else if (failure.outcome !== 'unknown') await clearAttempt(prisma, claim, entry);
  const pauseMs = nextPause(retry, attempts, failure.retryAfterMs);
  log.info({ messageSid: message.sid, code: failure.code, outcome: failure.outcome, attempts, pauseMs }, 'delivery failed; retrying later');
  return { pauseMs };
}

/**
 * Takes a message out of its lane so that the conversation goes on, and marks it as stuck until retryMessage. Its status stays: nothing is
 * known about it.
 */
async function setAside({ prisma, log }: Gateway, message: MessageToDeliver, { code, message: words }: DeliveryError): Promise<void> {
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
}

const isPlatformsFault = (error: unknown) => error instanceof DeliveryError || error instanceof PlatformError;

function asDeliveryError(error: unknown, started: boolean): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (error instanceof PlatformError)
    return error.cause instanceof DeliveryError ? error.cause : new DeliveryError('retry', 'PLATFORM_ERROR', error.message);
  // The gateway's own fault, perhaps after the platform accepted the message.
  return new DeliveryError(started ? 'unknown' : 'retry', 'INTERNAL', 'Internal error while delivering the message');
}
