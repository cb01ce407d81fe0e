import type { Mapping } from '../../prisma/client/client.ts';
import { isUnavailable } from '../database/unavailable.ts';
import { PlatformError } from '../domain/errors.ts';
import type { Gateway } from '../domain/gateway.ts';
import { inTransaction } from '../domain/transaction.ts';
import { DeliveryError } from '../platforms/delivery-error.ts';
import { LoginError } from '../platforms/microsoft/login.ts';
import type { Attempt, Delivered, MessageToDeliver } from './attempt.ts';
import { nextPause, type RetryPolicy } from './backoff.ts';
import { type Claim, clearAttempt, countAttempt, nextInLane, type OutboxEntry, startAttempt } from './outbox.ts';
import { applyReport } from './reports.ts';
import { retryUntilWritten } from './retry-until-written.ts';
import { deliverSms } from './to-sms.ts';
import { deliverToTeams } from './to-teams.ts';

/** What to do with the lane next: continue, release it (it is empty, or claimed by another instance), or release it for a pause. */
type LaneStep = 'continue' | 'release' | { readonly pauseMs: number };

/**
 * Delivers the first message of a lane. Records the outcome: a new status, a later retry, or the message marked as stuck. A successful
 * delivery is recorded however long the database is away, unless `shouldStop` says to stop; only then is its outcome unknown.
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
    markStarted: async () => {
      if (!(await startAttempt(prisma, claim, message.sid))) throw new LaneLost();
      started = true;
    },
  };
  try {
    const delivered = await deliver(gateway, message, attempt);
    await retryUntilWritten(log, () => settle(gateway, message, delivered), shouldStop);
    return 'continue';
  } catch (error) {
    if (error instanceof LaneLost) return 'release';
    if (!started && isUnavailable(error)) throw error;
    if (!isPlatformsFault(error)) log.error({ err: error, messageSid: message.sid }, 'unexpected error while delivering a message');
    const failure = asDeliveryError(error, started);
    if (failure.outcome === 'refused') {
      await settle(gateway, message, { report: { status: 'FAILED', errorCode: failure.code, errorMessage: failure.message } });
      return 'continue';
    }
    return retryLater(gateway, claim, { message, entry, failure, started, retry });
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

/** Removes a delivered or failed message from the outbox and advances its status, in one transaction. */
async function settle(gateway: Gateway, message: MessageToDeliver, { report, inSameTransaction }: Delivered): Promise<void> {
  await applyReport(gateway, message, report, async (tx) => {
    await tx.outbox.deleteMany({ where: { messageSid: message.sid } });
    await inSameTransaction?.(tx);
  });
}

async function requireDeliverable({ prisma }: Gateway, { mapping, enterprise, accountSid }: MessageToDeliver): Promise<Mapping> {
  if (!mapping) throw new DeliveryError('refused', 'MAPPING_NOT_FOUND', 'The number is not mapped to a Teams user');
  const { status } = enterprise;
  if (status !== 'ACTIVE') throw new DeliveryError('refused', `ENTERPRISE_${status}`, `The enterprise is ${status}`);
  const account = await prisma.account.findUnique({ where: { sid: accountSid }, select: { status: true } });
  if (account?.status === 'ACTIVE') return mapping;
  throw new DeliveryError('refused', 'ACCOUNT_NOT_ACTIVE', "The message's account is not active");
}

interface Failure {
  readonly message: MessageToDeliver;
  readonly entry: OutboxEntry;
  readonly failure: DeliveryError;
  /** Whether a request left. */
  readonly started: boolean;
  readonly retry: RetryPolicy;
}

async function retryLater(gateway: Gateway, claim: Claim, { message, entry, failure, started, retry }: Failure): Promise<LaneStep> {
  const { prisma, log } = gateway;
  const attempts = entry.attempts + 1;
  if (attempts >= retry.limit) {
    await markStuck(gateway, message, failure);
    return 'continue';
  }
  if (!started) await countAttempt(prisma, message.sid);
  // If an earlier outcome is unknown, it remains so.
  else if (failure.outcome === 'retry' && !entry.attemptStarted) await clearAttempt(prisma, claim, message.sid);
  const pauseMs = nextPause(retry, attempts, failure.retryAfterMs);
  log.info({ messageSid: message.sid, code: failure.code, outcome: failure.outcome, attempts, pauseMs }, 'delivery failed; retrying later');
  return { pauseMs };
}

/**
 * Takes a message out of its lane so that the conversation goes on, and marks it as stuck until retryMessage. Its status stays: nothing is
 * known about it.
 */
async function markStuck({ prisma, log }: Gateway, message: MessageToDeliver, { code, message: text }: DeliveryError): Promise<void> {
  await inTransaction(prisma, async (tx) => {
    await tx.outbox.deleteMany({ where: { messageSid: message.sid } });
    await tx.message.update({ where: { sid: message.sid }, data: { stuck: true, channelErrorCode: code, channelErrorMessage: text } });
  });
  log.warn({ messageSid: message.sid, code }, 'message is stuck: retries exhausted');
}

const isPlatformsFault = (error: unknown) => error instanceof DeliveryError || error instanceof PlatformError;

function asDeliveryError(error: unknown, started: boolean): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (error instanceof PlatformError) {
    const { cause } = error;
    if (cause instanceof LoginError) return new DeliveryError(cause.outcome, cause.code, cause.message, cause.retryAfterMs);
    return new DeliveryError('retry', 'PLATFORM_ERROR', error.message);
  }
  // The gateway's own fault, perhaps after the platform accepted the message.
  return new DeliveryError(started ? 'unknown' : 'retry', 'INTERNAL', 'Internal error while delivering the message');
}
