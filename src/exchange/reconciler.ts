import type { Gateway } from '../domain/gateway.ts';
import { advanceStatus } from '../domain/message-log.ts';
import { acceptSms } from './restcomm-webhooks.ts';
import { toReport } from './restcomm-reports.ts';

/** A message is asked for once its last report is this old, until it is so old that nothing will come. */
const QUIET_MS = 60_000;
const GIVEN_UP_MS = 3 * 24 * 60 * 60_000;
const BATCH = 200;
/** How far back it is looked for SMS whose webhook failed. */
const RECOVER_MS = 60 * 60_000;

/**
 * Restcomm reports once, and only on one of its carrier paths: asks for messages that it took and never reported an end of.
 * @returns how many advanced
 */
export async function reconcileStatuses(gateway: Gateway, quietMs = QUIET_MS): Promise<number> {
  const { prisma, restcomm, hints } = gateway;
  const now = Date.now();
  const unsettled = await prisma.message.findMany({
    where: {
      direction: 'INBOUND',
      channelStatus: { in: ['SENDING', 'SENT'] },
      restcommMessageSid: { not: null },
      dateUpdated: { lt: new Date(now - quietMs), gt: new Date(now - GIVEN_UP_MS) },
    },
    orderBy: { dateUpdated: 'asc' },
    take: BATCH,
    select: { sid: true, organizationSid: true, restcommMessageSid: true },
  });
  let advanced = 0;
  for (const message of unsettled) {
    const sms = await restcomm.findSms(message.restcommMessageSid ?? '');
    if (sms && (await advanceStatus(prisma, message.sid, toReport(sms))) === 'advanced') {
      advanced += 1;
      hints.appended(message.organizationSid);
    } else await prisma.message.updateMany({ where: { sid: message.sid, channelStatus: { in: ['SENDING', 'SENT'] } }, data: { dateUpdated: new Date() } });
  }
  return advanced;
}

/** Stores SMS that came for mapped numbers and whose webhook never got through. One that is here is not stored again. */
export async function recoverInbound(gateway: Gateway): Promise<void> {
  const { prisma, restcomm } = gateway;
  const received = (await restcomm.listSms({ since: new Date(Date.now() - RECOVER_MS) })).filter((sms) => sms.direction === 'inbound');
  if (received.length === 0) return;
  const known = await prisma.message.findMany({
    where: { restcommMessageSid: { in: received.map((sms) => sms.sid) } },
    select: { restcommMessageSid: true },
  });
  const stored = new Set(known.map((message) => message.restcommMessageSid));
  const missed = received.filter((sms) => !stored.has(sms.sid));
  const mappings = await prisma.mapping.findMany({
    where: { externalDigits: { in: missed.map((sms) => digits(sms.to)) } },
    select: { sid: true, externalDigits: true, dateCreated: true },
  });
  for (const sms of missed) {
    const mapping = mappings.find((candidate) => candidate.externalDigits === digits(sms.to));
    // An SMS from before the mapping was another's.
    if (mapping && (sms.dateCreated ?? new Date()) >= mapping.dateCreated) await acceptSms(gateway, mapping.sid, sms);
  }
}

const digits = (number: string) => number.replace(/^\+/, '');
