import type { Gateway } from '../domain/gateway.ts';
import type { SmsRecord } from '../platforms/restcomm/restcomm.ts';
import { takeReport } from './reports.ts';
import { toReport } from './restcomm-reports.ts';
import { acceptSms } from './restcomm-webhooks.ts';

export interface ReconcilerOptions {
  /** What is younger than this is left to the platform's own requests, in ms. */
  readonly quietMs?: number;
  /** Asks to end early. */
  readonly signal?: AbortSignal;
}

const QUIET_MS = 60_000;
/** A message is asked for until it is so old that nothing will come. */
const GIVEN_UP_MS = 3 * 24 * 60 * 60_000;
const BATCH = 200;
/** How far back it is looked for SMS whose webhook failed, in ms: after an outage of the gateway, and else. */
export const LOOK_BACK = { afterOutage: 3 * 24 * 60 * 60_000, usual: 60 * 60_000 };

/**
 * Restcomm reports once, and only on one of its carrier paths: asks for messages that it took and never reported an end of, those first that
 * were not asked for the longest.
 * @returns how many advanced
 * @throws PlatformError where the platform can't be asked
 */
export async function reconcileStatuses(gateway: Gateway, { quietMs = QUIET_MS, signal }: ReconcilerOptions = {}): Promise<number> {
  const { prisma, restcomm } = gateway;
  const now = Date.now();
  const quiet = new Date(now - quietMs);
  const unsettled = await prisma.message.findMany({
    where: {
      direction: 'INBOUND',
      channelStatus: { in: ['SENDING', 'SENT'] },
      restcommMessageSid: { not: null },
      dateUpdated: { lte: quiet, gt: new Date(now - GIVEN_UP_MS) },
      OR: [{ statusAsked: null }, { statusAsked: { lte: quiet } }],
    },
    orderBy: { statusAsked: { sort: 'asc', nulls: 'first' } },
    take: BATCH,
    select: { sid: true, organizationSid: true, restcommMessageSid: true },
  });
  let advanced = 0;
  for (const message of unsettled) {
    if (signal?.aborted) break;
    // Noted before it is asked: one that the platform chokes on goes to the end, too.
    await prisma.message.updateMany({ where: { sid: message.sid }, data: { statusAsked: new Date() } });
    const sms = await restcomm.findSms(message.restcommMessageSid ?? '');
    if (sms && (await takeReport(gateway, message, toReport(sms)))) advanced += 1;
  }
  return advanced;
}

/**
 * Stores SMS that came for mapped numbers and whose webhook never got through. One that is here is not stored again. Their media are lost: only
 * the webhook has them, so it is waited for.
 * @throws PlatformError where the platform can't be asked
 */
export async function recoverInbound(
  gateway: Gateway,
  { quietMs = QUIET_MS, lookBackMs = LOOK_BACK.usual, signal }: ReconcilerOptions & { readonly lookBackMs?: number } = {},
): Promise<void> {
  const { prisma, restcomm, log } = gateway;
  const now = Date.now();
  const listed = await restcomm.listSms({ since: new Date(now - lookBackMs) });
  const received = listed.filter((sms) => sms.direction === 'inbound' && timeOf(sms) <= now - quietMs);
  if (received.length === 0) return;
  const known = await prisma.message.findMany({
    where: { restcommMessageSid: { in: received.map((sms) => sms.sid) } },
    select: { restcommMessageSid: true },
  });
  const stored = new Set(known.map((message) => message.restcommMessageSid));
  const missed = received.filter((sms) => !stored.has(sms.sid)).sort((one, other) => timeOf(one) - timeOf(other));
  const mappings = await prisma.mapping.findMany({
    where: { externalDigits: { in: missed.map((sms) => digits(sms.to)) } },
    select: { sid: true, externalDigits: true, dateCreated: true },
  });
  for (const sms of missed) {
    if (signal?.aborted) break;
    const mapping = mappings.find((candidate) => candidate.externalDigits === digits(sms.to));
    // An SMS from before the mapping was another's. The platform's dates are whole seconds.
    if (!mapping || (sms.dateCreated && sms.dateCreated.getTime() + 999 < mapping.dateCreated.getTime())) continue;
    await acceptSms(gateway, mapping.sid, sms);
    log.warn({ smsSid: sms.sid, mappingSid: mapping.sid }, 'an SMS was recovered whose webhook did not get through');
  }
}

const timeOf = ({ dateCreated }: SmsRecord) => dateCreated?.getTime() ?? 0;
const digits = (number: string) => number.replace(/^\+/, '');
