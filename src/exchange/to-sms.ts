import { statusWebhook } from '../domain/enterprises/webhooks.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { StatusReport } from '../domain/messages/message-log.ts';
import type { SmsRecord } from '../platforms/restcomm/restcomm.ts';
import type { Attempt, Delivery } from './attempt.ts';
import { toReport } from './restcomm-reports.ts';

/** How far the platform's clock may differ from ours. */
const CLOCK_SKEW_MS = 2 * 60_000;

/**
 * Hands a Teams user's message over to the carrier. Where an earlier attempt's outcome is unknown, the platform is asked for it first.
 * @returns what is known of the message then; usually SENDING
 * @throws DeliveryError; PlatformError where the platform can't be asked
 */
export async function handToCarrier(gateway: Gateway, message: Delivery, attempt: Attempt): Promise<StatusReport> {
  const { restcomm } = gateway;
  const { to, body, encoding } = message;
  const { unknownSince } = attempt;
  const earlier = unknownSince && message.mapping && (await findEarlier(gateway, message, message.mapping.externalAddress, unknownSince));
  if (earlier) return toReport(earlier);
  const { sid, externalAddress: from } = await attempt.admit();
  const statusCallback = statusWebhook(gateway, sid, message.sid);
  await attempt.begin();
  return toReport(await restcomm.sendSms({ from, to, body, encoding, statusCallback }));
}

/** The message that the unanswered attempt made on the platform, if it did: the same text between the same numbers that is no other message's. */
async function findEarlier(
  { restcomm, prisma }: Gateway,
  message: Delivery,
  from: string,
  attemptStarted: Date,
): Promise<SmsRecord | undefined> {
  const since = new Date(attemptStarted.getTime() - CLOCK_SKEW_MS);
  const candidates = (await restcomm.listSms({ from, to: message.to, since })).filter((sms) => isText(sms.body, message.body));
  if (candidates.length === 0) return undefined;
  const taken = await prisma.message.findMany({
    where: { organizationSid: message.organizationSid, restcommMessageSid: { in: candidates.map((sms) => sms.sid) } },
    select: { restcommMessageSid: true },
  });
  const others = new Set(taken.map((row) => row.restcommMessageSid));
  return candidates.find((sms) => !others.has(sms.sid));
}

/** Restcomm may keep no more than 159 characters of a long text. */
const isText = (kept: string, sent: string) => kept === sent || (sent.length > 159 && kept === sent.slice(0, 159));
