import type { ChannelStatus } from '../../prisma/client/client.ts';
import type { StatusReport } from '../domain/messages/message-log.ts';
import type { SmsRecord } from '../platforms/restcomm/restcomm.ts';

/** The gateway's status for each of Restcomm's message statuses. */
const STATUSES: Readonly<Record<string, ChannelStatus>> = {
  queued: 'SENDING',
  sending: 'SENDING',
  sent: 'SENT',
  delivered: 'DELIVERED',
  undelivered: 'UNDELIVERED',
  failed: 'FAILED',
  read: 'READ',
};

/**
 * Restcomm's error codes by number and by name: a status callback carries either, the REST API the number (MessageError in Restcomm Connect).
 */
const ERRORS: Readonly<Record<string, { code: string; message: string }>> = Object.fromEntries(
  (
    [
      ['30001', 'QUEUE_OVERFLOW', 'Queue overflow'],
      ['30002', 'ACCOUNT_SUSPENDED', 'Account suspended'],
      ['30003', 'UNREACHABLE_DESTINATION_HANDSET', 'Unreachable destination handset'],
      ['30004', 'MESSAGE_BLOCKED', 'Message blocked'],
      ['30005', 'UNKNOWN_DESTINATION_HANDSET', 'Unknown destination handset'],
      ['30006', 'LANDLINE_OR_UNREACHABLE_CARRIER', 'Landline or unreachable carrier'],
      ['30007', 'CARRIER_VIOLATION', 'Carrier violation'],
      ['30008', 'UNKNOWN_ERROR', 'Unknown error'],
      ['30009', 'MISSING_SEGMENT', 'Missing segment'],
      ['30010', 'MESSAGE_PRICE_EXCEEDS_MAX_PRICE', 'Message price exceeds max price'],
    ] as const
  ).flatMap(([code, name, message]) => [
    [code, { code, message }],
    [name, { code, message }],
  ]),
);

/** Converts Restcomm's record of a message. An unknown status becomes SENDING: Restcomm has the message, no more is known. */
export function toReport({ sid, status, errorCode }: Pick<SmsRecord, 'sid' | 'status' | 'errorCode'>): StatusReport {
  const known = STATUSES[status.toLowerCase()] ?? 'SENDING';
  const failed = known === 'FAILED' || known === 'UNDELIVERED';
  const error = failed ? errorOf(errorCode) : undefined;
  return { status: known, restcommMessageSid: sid, errorCode: error?.code, errorMessage: error?.message };
}

/** Whether this is one of Restcomm's message statuses, in any case. */
export const isRestcommStatus = (status: string): boolean => Object.hasOwn(STATUSES, status.toLowerCase());

function errorOf(errorCode: string | undefined): { code: string; message: string } {
  const given = errorCode?.trim();
  if (!given) return { code: '30008', message: 'Unknown error' };
  return ERRORS[given.toUpperCase()] ?? { code: given, message: `Restcomm error ${given}` };
}
