import type { ChannelStatus } from '../../prisma/client/client.ts';
import type { Gateway } from '../domain/gateway.ts';
import { advanceStatus, type StatusReport } from '../domain/messages/message-log.ts';
import { inTransaction, type Transaction } from '../domain/transaction.ts';

/**
 * Advances a message's status by a report. A status never goes back; a report that contradicts the final one is logged.
 * @param alongside further changes, in the same transaction
 * @returns whether the status advanced
 */
export async function applyReport(
  { prisma, hints, log }: Gateway,
  message: { readonly sid: string; readonly organizationSid: string },
  report: StatusReport,
  alongside?: (tx: Transaction) => Promise<void>,
): Promise<boolean> {
  const outcome = alongside
    ? await inTransaction(prisma, async (tx) => {
        await alongside(tx);
        return advanceStatus(tx, message.sid, report);
      })
    : await advanceStatus(prisma, message.sid, report);
  if (outcome === 'advanced') hints.appended(message.organizationSid);
  else if (contradicts(outcome, report.status)) {
    log.warn({ messageSid: message.sid, kept: outcome, reported: report.status }, 'conflicting final statuses reported; keeping the first');
  }
  return outcome === 'advanced';
}

const OUTCOMES: Partial<Record<ChannelStatus, string>> = {
  DELIVERED: 'delivered',
  READ: 'delivered',
  UNDELIVERED: 'undelivered',
  FAILED: 'failed',
};

function contradicts(kept: ChannelStatus, reported: ChannelStatus): boolean {
  const [one, other] = [OUTCOMES[kept], OUTCOMES[reported]];
  return one !== undefined && other !== undefined && one !== other;
}
