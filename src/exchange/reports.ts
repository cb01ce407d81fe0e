import type { ChannelStatus } from '../../prisma/client/client.ts';
import type { Gateway } from '../domain/gateway.ts';
import { type MessageStep, publishStep } from '../domain/messages/message-steps.ts';
import { advanceStatus, type ReportOutcome, reportStatus, type StatusReport } from '../domain/messages/status-reports.ts';
import { inTransaction, type Transaction } from '../domain/transaction.ts';

type Reported = Pick<MessageStep, 'direction'> & { readonly sid: string; readonly organizationSid: string };

/**
 * Advances a message's status by a report. A status never goes back; a report that contradicts the final one is logged. A report that only says
 * more about why a message failed improves the message's reason, without an event.
 * @param alongside further changes, in the same transaction
 * @returns whether the status advanced
 */
export async function applyReport(
  gateway: Gateway,
  message: Reported,
  report: StatusReport,
  alongside?: (tx: Transaction) => Promise<void>,
): Promise<boolean> {
  const outcome = alongside
    ? await inTransaction(gateway.prisma, async (tx) => {
        await alongside(tx);
        return advanceStatus(tx, message.sid, report);
      })
    : await reportStatus(gateway.sql, message, report);
  return publishOutcome(gateway, message, report, outcome);
}

/** Hints at the event of a report that advanced a status, and logs one that contradicts it. @returns whether the status advanced */
export function publishOutcome(
  { hints, log }: Gateway,
  { sid, organizationSid, direction }: Reported,
  { status, errorCode }: StatusReport,
  outcome: ReportOutcome,
): boolean {
  if (outcome === 'advanced') {
    publishStep({ direction, status, reason: status === 'FAILED' || status === 'UNDELIVERED' ? errorCode : undefined });
    hints.appended(organizationSid);
  } else if (contradicts(outcome, status)) {
    log.warn({ messageSid: sid, kept: outcome, reported: status }, 'conflicting final statuses reported; keeping the first');
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
