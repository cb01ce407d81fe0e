import type { Gateway } from '../domain/gateway.ts';
import { comparedForm } from '../domain/phone-numbers.ts';
import type { SmsRecord } from '../platforms/restcomm/restcomm.ts';
import { applyReport } from './reports.ts';
import { toReport } from './restcomm-reports.ts';
import { acceptSms } from './restcomm-webhooks.ts';

interface ReconcilerOptions {
  /** Leaves what is younger than this to Restcomm's own callbacks, in ms. */
  readonly quietMs?: number;
  /** Aborted when the run should end early. */
  readonly signal?: AbortSignal;
}

const QUIET_MS = 60_000;
/** Messages older than this are not asked for: no report will come. */
const MAX_AGE_MS = 3 * 24 * 60 * 60_000;
const BATCH = 200;
/** How far back to look for SMS whose webhook failed, in ms: after an outage of the gateway, and otherwise. */
export const LOOK_BACK = { afterOutage: 3 * 24 * 60 * 60_000, usual: 60 * 60_000 };

/**
 * Asks Restcomm for the status of messages that it accepted and never reported a final status of, the longest unasked first. Restcomm reports
 * a status once, and only on one of its carrier paths.
 * @returns how many messages' statuses advanced
 * @throws PlatformError if Restcomm cannot be reached or refuses
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
      dateUpdated: { lte: quiet, gt: new Date(now - MAX_AGE_MS) },
      OR: [{ statusAsked: null }, { statusAsked: { lte: quiet } }],
    },
    orderBy: { statusAsked: { sort: 'asc', nulls: 'first' } },
    take: BATCH,
    select: { sid: true, organizationSid: true, restcommMessageSid: true },
  });
  let advanced = 0;
  for (const message of unsettled) {
    if (signal?.aborted) break;
    // Before asking, so that a message that Restcomm fails on goes to the end of the queue, too.
    await prisma.message.updateMany({ where: { sid: message.sid }, data: { statusAsked: new Date() } });
    const sms = await restcomm.findSms(message.restcommMessageSid ?? '');
    if (sms && (await applyReport(gateway, message, toReport(sms)))) advanced += 1;
  }
  return advanced;
}

/**
 * Stores SMS to mapped numbers whose webhook never arrived. Their media are lost, since only the webhook carries them: hence the wait of
 * `quietMs`.
 * @throws PlatformError if Restcomm cannot be reached or refuses
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
    where: { externalDigits: { in: missed.map((sms) => comparedForm(sms.to)) } },
    select: { sid: true, externalDigits: true, dateCreated: true },
  });
  for (const sms of missed) {
    if (signal?.aborted) break;
    const mapping = mappings.find((candidate) => candidate.externalDigits === comparedForm(sms.to));
    // An SMS older than the mapping belongs to an earlier one. Restcomm's dates are whole seconds.
    if (!mapping || (sms.dateCreated && sms.dateCreated.getTime() + 999 < mapping.dateCreated.getTime())) continue;
    await acceptSms(gateway, mapping.sid, sms);
    log.warn({ smsSid: sms.sid, mappingSid: mapping.sid }, 'recovered an SMS whose webhook never arrived');
  }
}

const timeOf = ({ dateCreated }: SmsRecord) => dateCreated?.getTime() ?? 0;
