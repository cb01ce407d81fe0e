import type { ChannelStatus } from '../../prisma/client/client.ts';
import type { Gateway } from '../domain/gateway.ts';
import { advanceStatus, type StatusReport } from '../domain/messages/message-log.ts';
import { inTransaction, type Transaction } from '../domain/transaction.ts';

/**
 * Takes what is reported of a message: its status advances, or it does not, and a report that contradicts how the message ended is logged.
 * @param along what becomes true with it, in one transaction
 * @returns whether the status advanced
 */
export async function takeReport(
  { prisma, hints, log }: Gateway,
  message: { readonly sid: string; readonly organizationSid: string },
  report: StatusReport,
  along?: (tx: Transaction) => Promise<void>,
): Promise<boolean> {
  const outcome = along
    ? await inTransaction(prisma, async (tx) => {
        await along(tx);
        return advanceStatus(tx, message.sid, report);
      })
    : await advanceStatus(prisma, message.sid, report);
  if (outcome === 'advanced') hints.appended(message.organizationSid);
  else if (contradicts(outcome, report.status)) {
    log.warn(
      { messageSid: message.sid, kept: outcome, reported: report.status },
      'a message was reported to have ended in two ways; the first stays',
    );
  }
  return outcome === 'advanced';
}

const ENDS: Partial<Record<ChannelStatus, string>> = {
  DELIVERED: 'arrived',
  READ: 'arrived',
  UNDELIVERED: 'undelivered',
  FAILED: 'failed',
};

function contradicts(kept: ChannelStatus, reported: ChannelStatus): boolean {
  const [one, other] = [ENDS[kept], ENDS[reported]];
  return one !== undefined && other !== undefined && one !== other;
}
