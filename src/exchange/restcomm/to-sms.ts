import type { Gateway } from '../../domain/gateway.ts';
import { statusWebhook } from '../../domain/mappings/webhooks.ts';
import type { StatusReport } from '../../domain/messages/status-reports.ts';
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
  const earlier = unknownSince && message.mapping && (await findEarlier(gateway, message, message.mapping.externalAddress, unknownSince));
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
  return new DeliveryError('unknown', error.code, error.message, settlesMs, { cause: error });
}

/** Finds the message that an earlier attempt created on Restcomm: same text, same numbers, and not another message's. */
async function findEarlier(
  { restcomm, prisma }: Gateway,
  message: MessageToDeliver,
  from: string,
  attemptStarted: Date,
): Promise<SmsRecord | undefined> {
  const since = new Date(attemptStarted.getTime() - CLOCK_SKEW_MS);
  const candidates = (await restcomm.listSms({ from, to: phoneOf(message.to, from).dialled, since })).filter(
    (sms) => sms.body === message.body || isCut(sms.body, message.body),
  );
  if (candidates.length === 0) return undefined;
  const taken = await prisma.message.findMany({
    where: { organizationSid: message.organizationSid, restcommMessageSid: { in: candidates.map((sms) => sms.sid) } },
    select: { restcommMessageSid: true },
  });
  const others = new Set(taken.map((row) => row.restcommMessageSid));
  return candidates.find((sms) => !others.has(sms.sid));
}
