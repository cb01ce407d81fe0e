import type { Mapping } from '../../prisma/client/client.ts';
import { isUnavailable } from '../database/unavailable.ts';
import { PlatformError } from '../domain/errors.ts';
import type { Gateway } from '../domain/gateway.ts';
import { inTransaction } from '../domain/transaction.ts';
import { DeliveryError } from '../platforms/delivery-error.ts';
import { LoginError } from '../platforms/microsoft/login.ts';
import type { Attempt, Delivery, HandedOver } from './attempt.ts';
import { nextPause, type RetryPolicy } from './backoff.ts';
import { type Claim, clearAttempt, countAttempt, nextInLane, type OutboxEntry, startAttempt } from './outbox.ts';
import { takeReport } from './reports.ts';
import { handToCarrier } from './to-sms.ts';
import { handToTeams } from './to-teams.ts';
import { untilReached } from './until-reached.ts';

/** How an attempt ended: go on with the lane at once, after a pause, or leave it, since it is empty or another's by now. */
export type Step = 'next' | 'done' | { readonly pauseMs: number };

/**
 * Hands the first message of a lane over to its platform. Whatever happens is recorded: a status, a later attempt, or the message set
 * aside as stuck. That it was handed over is recorded however long the database is away, unless it is given up: only then it is unknown.
 * @throws what the database throws, where that can't be used: it says nothing of the message
 */
export async function deliverNext(gateway: Gateway, claim: Claim, retry: RetryPolicy, isGivenUp: () => boolean): Promise<Step> {
  const { prisma, log } = gateway;
  const entry = await nextInLane(prisma, claim.lane);
  if (!entry) return 'done';
  const message = await prisma.message.findUniqueOrThrow({
    where: { sid: entry.messageSid },
    include: { enterprise: { include: { bot: true } }, mapping: true },
  });
  let begun = false;
  const attempt: Attempt = {
    unknownSince: entry.attemptStarted,
    admit: () => admit(gateway, message),
    begin: async () => {
      if (!(await startAttempt(prisma, claim, message.sid))) throw new LaneLost();
      begun = true;
    },
  };
  try {
    const handedOver = await handOver(gateway, message, attempt);
    await untilReached(log, () => settle(gateway, message, handedOver), isGivenUp);
    return 'next';
  } catch (error) {
    if (error instanceof LaneLost) return 'done';
    if (!begun && isUnavailable(error)) throw error;
    if (!isPlatforms(error)) log.error({ err: error, messageSid: message.sid }, 'a delivery failed unexpectedly');
    const failure = asDeliveryError(error, begun);
    if (failure.outcome === 'refused') {
      await settle(gateway, message, { report: { status: 'FAILED', errorCode: failure.code, errorMessage: failure.message } });
      return 'next';
    }
    return tryAgainLater(gateway, claim, { message, entry, failure, begun, retry });
  }
}

/** The lane is another instance's by now. */
class LaneLost extends Error {}

async function handOver(gateway: Gateway, message: Delivery, attempt: Attempt): Promise<HandedOver> {
  if (message.direction === 'OUTBOUND') return handToTeams(gateway, message, attempt);
  // A report may come before the answer to our own request, or instead of it.
  if (message.restcommMessageSid) return { report: { status: 'SENDING' } };
  return { report: await handToCarrier(gateway, message, attempt) };
}

/** The message's end, or its hand-over: out of the outbox and its status advanced, in one transaction. */
async function settle(gateway: Gateway, message: Delivery, { report, along }: HandedOver): Promise<void> {
  await takeReport(gateway, message, report, async (tx) => {
    await tx.outbox.deleteMany({ where: { messageSid: message.sid } });
    await along?.(tx);
  });
}

/** Every message that can't be delivered ends with a code and a message. */
async function admit({ prisma }: Gateway, { mapping, enterprise, accountSid }: Delivery): Promise<Mapping> {
  if (!mapping) throw new DeliveryError('refused', 'MAPPING_NOT_FOUND', 'The number is not mapped to a Teams user any more');
  const { status } = enterprise;
  if (status !== 'ACTIVE') throw new DeliveryError('refused', `ENTERPRISE_${status}`, `The enterprise is ${status}`);
  const account = await prisma.account.findUnique({ where: { sid: accountSid }, select: { status: true } });
  if (account?.status === 'ACTIVE') return mapping;
  throw new DeliveryError('refused', 'ACCOUNT_NOT_ACTIVE', 'The account that the message passes under is not active');
}

interface Failure {
  readonly message: Delivery;
  readonly entry: OutboxEntry;
  readonly failure: DeliveryError;
  /** Had a request left? */
  readonly begun: boolean;
  readonly retry: RetryPolicy;
}

async function tryAgainLater(gateway: Gateway, claim: Claim, { message, entry, failure, begun, retry }: Failure): Promise<Step> {
  const { prisma, log } = gateway;
  const attempts = entry.attempts + 1;
  if (attempts >= retry.limit) {
    await setAside(gateway, message, failure);
    return 'next';
  }
  if (!begun) await countAttempt(prisma, message.sid);
  // What was unknown before this attempt still is.
  else if (failure.outcome === 'retry' && !entry.attemptStarted) await clearAttempt(prisma, claim, message.sid);
  const pauseMs = nextPause(retry, attempts, failure.retryAfterMs);
  log.info(
    { messageSid: message.sid, code: failure.code, outcome: failure.outcome, attempts, pauseMs },
    'a message could not be handed over yet',
  );
  return { pauseMs };
}

/** Out of the lane, so that the conversation goes on, and visible as stuck until retryMessage. Its status stays: nothing is known of it. */
async function setAside({ prisma, log }: Gateway, message: Delivery, { code, message: text }: DeliveryError): Promise<void> {
  await inTransaction(prisma, async (tx) => {
    await tx.outbox.deleteMany({ where: { messageSid: message.sid } });
    await tx.message.update({ where: { sid: message.sid }, data: { stuck: true, channelErrorCode: code, channelErrorMessage: text } });
  });
  log.warn({ messageSid: message.sid, code }, 'a message is stuck: its retries are used up');
}

const isPlatforms = (error: unknown) => error instanceof DeliveryError || error instanceof PlatformError;

function asDeliveryError(error: unknown, begun: boolean): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (error instanceof PlatformError) {
    const { cause } = error;
    if (cause instanceof LoginError) return new DeliveryError(cause.outcome, cause.code, cause.message, cause.retryAfterMs);
    return new DeliveryError('retry', 'PLATFORM_ERROR', error.message);
  }
  // Our own fault. It may have come after the platform took the message.
  return new DeliveryError(begun ? 'unknown' : 'retry', 'INTERNAL', 'The gateway could not hand the message over');
}
