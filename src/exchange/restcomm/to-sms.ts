import type { Gateway } from '../../domain/gateway.ts';
import { statusWebhook } from '../../domain/mappings/webhooks.ts';
import { numberOfLane } from '../../domain/messages/lanes.ts';
import type { StatusReport } from '../../domain/messages/status-reports.ts';
import { comparedForm } from '../../domain/values/phone-numbers.ts';
import { phoneOf } from '../../domain/values/phones.ts';
import { DeliveryError, NotYetError } from '../../platforms/delivery-error.ts';
import type { SmsRecord } from '../../platforms/restcomm/restcomm.ts';
import type { Attempt } from '../outbox/attempt.ts';
import type { MessageToDeliver } from '../outbox/claim-lanes.ts';
import { isCut, toReport, withTextChange } from './reports.ts';
import { rememberSent } from './sent-messages.ts';

/** How far Restcomm's clock may differ from ours, in ms. */
const CLOCK_SKEW_MS = 2 * 60_000;
/** How often to look for the message of an earlier attempt while it may still appear, in ms. Such looks use up no retries. */
const LOOK_AGAIN_MS = 2000;

/**
 * Sends a Teams user's message as an SMS. If the outcome of an earlier attempt is unknown, looks for its message on Restcomm first, until it can
 * no longer appear; only then sends the message again, marked as possibly duplicated.
 * @returns the message's status on Restcomm, usually SENDING
 * @throws DeliveryError if the message cannot be sent
 * @throws NotYetError if an earlier attempt's message may still appear
 * @throws PlatformError if Restcomm cannot be asked for the earlier attempt
 */
export async function deliverSms(gateway: Gateway, message: MessageToDeliver, attempt: Attempt): Promise<StatusReport> {
  const { restcomm } = gateway;
  const { body, encoding } = message;
  const { unknownSince } = attempt;
  const earlier = unknownSince && (await findEarlier(gateway, message, numbersOf(message, attempt), unknownSince));
  if (earlier) return withTextChange(toReport(earlier), earlier.body, body);
  const settlesInMs = unknownSince ? unknownSince.getTime() + restcomm.settlesMs - Date.now() : 0;
  if (settlesInMs > 0) throw new NotYetError(Math.min(settlesInMs, LOOK_AGAIN_MS));
  const { sid, externalAddress: own } = attempt.requireDeliverable();
  const statusCallback = statusWebhook(gateway, sid, message.sid);
  rememberSent(sid, message);
  await attempt.markStarted();
  const numbers = { from: phoneOf(own, own).dialled, to: phoneOf(message.to, own).dialled };
  const sent = await restcomm.sendSms({ ...numbers, body, encoding, statusCallback }).catch((error) => {
    throw unknownSince ? again(error, restcomm.settlesMs) : error;
  });
  return withTextChange(toReport(sent), sent.body, body);
}

/** Holds back the next attempt until this one's record must have appeared: the next one knows only when the first one started. */
function again(error: unknown, settlesMs: number): unknown {
  if (!(error instanceof DeliveryError) || error.outcome !== 'unknown') return error;
  return new DeliveryError('unknown', error.code, error.message, Math.max(settlesMs, error.retryAfterMs ?? 0), { cause: error });
}

/** The numbers that an earlier attempt may have used: its mapping may have got another one since, or been deleted. */
function numbersOf({ mapping }: MessageToDeliver, { lane }: Attempt): string[] {
  const numbers = [mapping?.externalAddress, numberOfLane(lane)].filter((number) => number !== undefined);
  return numbers.filter((number, index) => numbers.findIndex((other) => comparedForm(other) === comparedForm(number)) === index);
}

/**
 * Finds the message that an earlier attempt created on Restcomm: same text, same numbers, and neither another message's nor one that has failed before
 * retryMessage.
 */
async function findEarlier(
  { restcomm, prisma }: Gateway,
  { organizationSid, to, toFolded, body }: MessageToDeliver,
  numbers: readonly string[],
  attemptStarted: Date,
): Promise<SmsRecord | undefined> {
  const since = new Date(attemptStarted.getTime() - CLOCK_SKEW_MS);
  const listed: SmsRecord[] = [];
  for (const from of numbers) listed.push(...(await restcomm.listSms({ from, to: phoneOf(to, from).dialled, since })));
  const candidates = listed.filter((sms) => sms.body === body || isCut(sms.body, body));
  if (candidates.length === 0) return undefined;
  const sids = candidates.map((sms) => sms.sid);
  const [taken, retried] = await Promise.all([
    prisma.message.findMany({ where: { organizationSid, restcommMessageSid: { in: sids } }, select: { restcommMessageSid: true } }),
    prisma.message.findMany({
      where: { organizationSid, toFolded, formerRestcommSids: { hasSome: sids } },
      select: { formerRestcommSids: true },
    }),
  ]);
  const known = new Set([...taken.map((row) => row.restcommMessageSid), ...retried.flatMap((row) => row.formerRestcommSids)]);
  return candidates.find((sms) => !known.has(sms.sid));
}
