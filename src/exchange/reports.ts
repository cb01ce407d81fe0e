import type { ChannelStatus, PrismaClient } from '../../prisma/client/client.ts';
import type { Gateway } from '../domain/gateway.ts';
import { advanceStatus, keepReason, type StatusReport } from '../domain/messages/message-log.ts';
import { inTransaction, type Transaction } from '../domain/transaction.ts';

/**
 * Advances a message's status by a report. A status never goes back; a report that contradicts the final one is logged. A report that only says
 * more about why a message failed improves the message's reason, without an event.
 * @param alongside further changes, in the same transaction
 * @returns whether the status advanced
 */
export async function applyReport(
  { prisma, hints, log }: Gateway,
  message: { readonly sid: string; readonly organizationSid: string },
  report: StatusReport,
  alongside?: (tx: Transaction) => Promise<void>,
): Promise<boolean> {
  const advance = async (client: PrismaClient | Transaction) => {
    const result = await advanceStatus(client, message.sid, report);
    if (result !== 'advanced') await keepReason(client, message.sid, report);
    return result;
  };
  const outcome = alongside
    ? await inTransaction(prisma, async (tx) => {
        await alongside(tx);
        return advance(tx);
      })
    : await advance(prisma);
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
