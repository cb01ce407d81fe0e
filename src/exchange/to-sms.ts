import type { Gateway } from '../domain/gateway.ts';
import type { StatusReport } from '../domain/message-log.ts';
import { statusWebhook } from '../domain/webhooks.ts';
import type { SmsRecord } from '../platforms/restcomm.ts';
import type { Delivery } from './delivery.ts';
import type { OutboxEntry } from './outbox.ts';
import { toReport } from './restcomm-reports.ts';

/** How far the platform's clock may differ from ours. */
const CLOCK_SKEW_MS = 2 * 60_000;

/**
 * Hands a Teams user's message over to the carrier. Where an earlier attempt's outcome is unknown, the platform is asked for it first.
 * @returns what is known of the message then; usually SENDING
 * @throws DeliveryError
 */
export async function handToCarrier(gateway: Gateway, message: Delivery, entry: OutboxEntry, begin: () => Promise<void>): Promise<StatusReport> {
  const { restcomm } = gateway;
  const { to, body, encoding } = message;
  const from = message.mapping?.externalAddress ?? '';
  const earlier = entry.attemptStarted && (await findEarlier(gateway, message, from, entry.attemptStarted));
  if (earlier) return toReport(earlier);
  await begin();
  const statusCallback = statusWebhook(gateway, message.mappingSid ?? '', message.sid);
  return toReport(await restcomm.sendSms({ from, to, body, encoding, statusCallback }));
}

/** The message that the unanswered attempt made on the platform, if it did: the same text between the same numbers that is no other message's. */
async function findEarlier({ restcomm, prisma }: Gateway, message: Delivery, from: string, attemptStarted: Date): Promise<SmsRecord | undefined> {
  const since = new Date(attemptStarted.getTime() - CLOCK_SKEW_MS);
  const candidates = (await restcomm.listSms({ from, to: message.to, since })).filter((sms) => sms.body === message.body);
  if (candidates.length === 0) return undefined;
  const taken = await prisma.message.findMany({
    where: { organizationSid: message.organizationSid, restcommMessageSid: { in: candidates.map((sms) => sms.sid) } },
    select: { restcommMessageSid: true },
  });
  const others = new Set(taken.map((row) => row.restcommMessageSid));
  return candidates.find((sms) => !others.has(sms.sid));
}
