import { statusWebhook } from '../domain/enterprises/webhooks.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { StatusReport } from '../domain/messages/message-log.ts';
import type { SmsRecord } from '../platforms/restcomm/restcomm.ts';
import type { Attempt, MessageToDeliver } from './attempt.ts';
import { toReport } from './restcomm-reports.ts';

/** How far Restcomm's clock may differ from ours, in ms. */
const CLOCK_SKEW_MS = 2 * 60_000;

/**
 * Sends a Teams user's message as an SMS. If the outcome of an earlier attempt is unknown, looks for its message on Restcomm first.
 * @returns the message's status on Restcomm, usually SENDING
 * @throws DeliveryError if the message cannot be sent
 * @throws PlatformError if Restcomm cannot be asked for the earlier attempt
 */
export async function deliverSms(gateway: Gateway, message: MessageToDeliver, attempt: Attempt): Promise<StatusReport> {
  const { restcomm } = gateway;
  const { to, body, encoding } = message;
  const { unknownSince } = attempt;
  const earlier = unknownSince && message.mapping && (await findEarlier(gateway, message, message.mapping.externalAddress, unknownSince));
  if (earlier) return toReport(earlier);
  const { sid, externalAddress: from } = await attempt.requireDeliverable();
  const statusCallback = statusWebhook(gateway, sid, message.sid);
  await attempt.markStarted();
  return toReport(await restcomm.sendSms({ from, to, body, encoding, statusCallback }));
}

/** Finds the message that an earlier attempt created on Restcomm: same text, same numbers, and not another message's. */
async function findEarlier(
  { restcomm, prisma }: Gateway,
  message: MessageToDeliver,
  from: string,
  attemptStarted: Date,
): Promise<SmsRecord | undefined> {
  const since = new Date(attemptStarted.getTime() - CLOCK_SKEW_MS);
  const candidates = (await restcomm.listSms({ from, to: message.to, since })).filter((sms) => isSameText(sms.body, message.body));
  if (candidates.length === 0) return undefined;
  const taken = await prisma.message.findMany({
    where: { organizationSid: message.organizationSid, restcommMessageSid: { in: candidates.map((sms) => sms.sid) } },
    select: { restcommMessageSid: true },
  });
  const others = new Set(taken.map((row) => row.restcommMessageSid));
  return candidates.find((sms) => !others.has(sms.sid));
}

/** Restcomm may store only the first 159 characters of a long text. */
const isSameText = (kept: string, sent: string) => kept === sent || (sent.length > 159 && kept === sent.slice(0, 159));
