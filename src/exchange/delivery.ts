import type { Bot, Enterprise, Mapping, Message } from '../../prisma/client/client.ts';
import type { Gateway } from '../domain/gateway.ts';
import { advanceStatus, type StatusReport } from '../domain/message-log.ts';
import { inTransaction } from '../domain/transaction.ts';
import { DeliveryError } from '../platforms/delivery-error.ts';
import { nextPause, RETRY_LIMIT } from './backoff.ts';
import { type Claim, clearAttempt, nextInLane, type OutboxEntry, startAttempt } from './outbox.ts';
import { handToCarrier } from './to-sms.ts';
import { handToTeams } from './to-teams.ts';

/** A message with all that its delivery depends on. */
export type Delivery = Message & { enterprise: Enterprise & { bot: Bot | null }; mapping: Mapping | null };

/** How an attempt ended: go on with the lane at once, after a pause, or leave it, since it is empty or another's by now. */
export type Step = 'next' | 'done' | { readonly pauseMs: number };

/**
 * Hands the first message of a lane over to its platform. Whatever happens is recorded: a status, a later attempt, or the message set aside as
 * stuck.
 */
export async function deliverNext(gateway: Gateway, claim: Claim): Promise<Step> {
  const { prisma, log } = gateway;
  const entry = await nextInLane(prisma, claim.lane);
  if (!entry) return 'done';
  const message = await prisma.message.findUniqueOrThrow({
    where: { sid: entry.messageSid },
    include: { enterprise: { include: { bot: true } }, mapping: true },
  });
  try {
    // A report may come before the answer to our own request, or instead of it.
    if (message.direction === 'INBOUND' && message.restcommMessageSid) {
      await settle(gateway, message, { status: 'SENDING' });
      return 'next';
    }
    await refuseUndeliverable(gateway, message);
    const begin = async () => {
      if (!(await startAttempt(prisma, claim, message.sid))) throw new LaneLost();
    };
    const report = message.direction === 'INBOUND' ? await handToCarrier(gateway, message, entry, begin) : await handToTeams(gateway, message, entry, begin);
    await settle(gateway, message, report);
    return 'next';
  } catch (error) {
    if (error instanceof LaneLost) return 'done';
    if (!(error instanceof DeliveryError)) log.error({ err: error, messageSid: message.sid }, 'a delivery failed unexpectedly');
    return recordFailure(gateway, message, entry, error);
  }
}

/** The lease ran out and the lane is another instance's. */
class LaneLost extends Error {}

/** The message's end, or its hand-over: out of the outbox and its status advanced, in one transaction. */
async function settle({ prisma, hints }: Gateway, message: Delivery, report: StatusReport): Promise<void> {
  await inTransaction(prisma, async (tx) => {
    await tx.outbox.deleteMany({ where: { messageSid: message.sid } });
    await advanceStatus(tx, message.sid, report);
  });
  hints.appended(message.organizationSid);
}

/** Every message that can't be delivered ends with a code and a message. */
async function refuseUndeliverable({ prisma }: Gateway, message: Delivery): Promise<void> {
  const refuse = (code: string, text: string) => {
    throw new DeliveryError('refused', code, text);
  };
  if (!message.mapping) refuse('MAPPING_NOT_FOUND', 'The number is not mapped to a Teams user any more');
  if (message.enterprise.status !== 'ACTIVE') refuse(`ENTERPRISE_${message.enterprise.status}`, `The enterprise is ${message.enterprise.status}`);
  const account = await prisma.account.findUnique({ where: { sid: message.accountSid }, select: { status: true } });
  if (account?.status !== 'ACTIVE') refuse('ACCOUNT_NOT_ACTIVE', 'The account that the message passes under is not active');
}

async function recordFailure(gateway: Gateway, message: Delivery, entry: OutboxEntry, error: unknown): Promise<Step> {
  const { outcome, code, message: text, retryAfterMs } = asDeliveryError(error);
  if (outcome === 'refused') {
    await settle(gateway, message, { status: 'FAILED', errorCode: code, errorMessage: text });
    return 'next';
  }
  if (entry.attempts + 1 >= RETRY_LIMIT) {
    await setAside(gateway, message, code, text);
    return 'next';
  }
  // After an unknown outcome the attempt stays noted, so that the next one asks first.
  if (outcome === 'retry') await clearAttempt(gateway.prisma, message.sid);
  return { pauseMs: retryAfterMs ?? nextPause(entry.attempts + 1) };
}

/** Out of the lane, so that the conversation goes on, and visible as stuck until retryMessage. Its status stays: nothing is known of it. */
async function setAside({ prisma, log }: Gateway, message: Delivery, code: string, text: string): Promise<void> {
  await inTransaction(prisma, async (tx) => {
    await tx.outbox.deleteMany({ where: { messageSid: message.sid } });
    await tx.message.update({ where: { sid: message.sid }, data: { stuck: true, channelErrorCode: code, channelErrorMessage: text } });
  });
  log.warn({ messageSid: message.sid, code }, 'a message is stuck: its retries are used up');
}

function asDeliveryError(error: unknown): DeliveryError {
  return error instanceof DeliveryError ? error : new DeliveryError('retry', 'INTERNAL', 'The gateway could not hand the message over');
}
