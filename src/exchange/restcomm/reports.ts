import type { ChannelStatus } from '../../../prisma/client/client.ts';
import { NO_REPORT, type StatusReport, TEXT_CHANGED, UNKNOWN_ERROR } from '../../domain/messages/status-reports.ts';
import type { SmsRecord } from '../../platforms/restcomm/restcomm.ts';
import { toStorableSid, toStorableText } from '../storable-text.ts';

// Sources: RestComm/Restcomm-Connect at c67f1423397e, by the names of its classes, and its pull requests by number.

/**
 * The gateway's status for each of the carrier's words.
 * - Restcomm's own (SmsMessage.Status), and `read`
 * - the states of SMPP 3.4 (5.2.28), which older callbacks post as they are (`SmsStatus=DELIVRD`, pull request 2375). They mean what they mean
 *   to Restcomm (TelestaxDlrParser); ENROUTE, which is no receipt, is on its way like ACCEPTD
 */
const STATUSES: Readonly<Record<string, ChannelStatus>> = {
  queued: 'SENDING',
  sending: 'SENDING',
  sent: 'SENT',
  delivered: 'DELIVERED',
  undelivered: 'UNDELIVERED',
  failed: 'FAILED',
  read: 'READ',
  enroute: 'SENT',
  acceptd: 'SENT',
  unknown: 'SENT',
  delivrd: 'DELIVERED',
  undeliv: 'UNDELIVERED',
  expired: 'FAILED',
  deleted: 'FAILED',
  rejectd: 'FAILED',
};

/**
 * Restcomm's error codes by number and by name (MessageError): a status callback carries the name (SmsStatusNotifier), the REST API the number
 * (SmsMessageConverter).
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
      [UNKNOWN_ERROR, 'UNKNOWN_ERROR', 'Unknown error'],
      ['30009', 'MISSING_SEGMENT', 'Missing segment'],
      ['30010', 'MESSAGE_PRICE_EXCEEDS_MAX_PRICE', 'Message price exceeds max price'],
    ] as const
  ).flatMap(([code, name, message]) => [
    [code, { code, message }],
    [name, { code, message }],
  ]),
);

/**
 * The errors that a retry would meet again: about the recipient or the content, by Restcomm's numbers and by those of carriers behind it. docs/exchange.md
 * lists them with their sources.
 */
export const FINAL_ERRORS: ReadonlySet<string> = new Set(['30004', '30005', '30006', '30007', '30010', '21211', '21610', '21614']);

/** The longest words of the carrier's that are stored, in UTF-16 code units. */
const MAX_DETAIL = 500;

/** A message's status as Restcomm gives it. `details` are the carrier's own words about a failure. */
type RestcommStatus = Pick<SmsRecord, 'sid' | 'status' | 'errorCode' | 'errorMessage'> & { readonly details?: readonly string[] };

/** Converts a status of Restcomm's. An unknown one becomes SENDING: Restcomm has the message, no more is known. */
export function toReport({ sid, status, errorCode, errorMessage, details = [] }: RestcommStatus): StatusReport {
  const known = STATUSES[status.toLowerCase()] ?? 'SENDING';
  const restcommMessageSid = toStorableSid(sid);
  if (known !== 'FAILED' && known !== 'UNDELIVERED') return { status: known, restcommMessageSid };
  const { code, message } = errorOf(errorCode);
  const words = withDetails(message, [errorMessage ?? '', ...details]);
  return { status: known, restcommMessageSid, errorCode: code, errorMessage: words, isFinal: FINAL_ERRORS.has(code) };
}

/** The report of a message that Restcomm accepted and never reported the end of. */
export const UNREPORTED: StatusReport = {
  status: 'UNDELIVERED',
  errorCode: NO_REPORT,
  errorMessage: 'The carrier has not reported within three days whether the SMS arrived',
};

/**
 * The shortest text that Restcomm cuts to: where it normalizes numbers, it cuts a text of more than 160 bytes to 159 characters
 * (SmsMessagesEndpoint, normalize). Its database may cut longer ones.
 */
const SHORTEST_CUT = 159;

/** Whether this is what Restcomm made of a text by cutting it. */
export const isCut = (kept: string, sent: string): boolean =>
  kept.length >= SHORTEST_CUT && kept.length < sent.length && sent.startsWith(kept);

/**
 * Adds to a report that the carrier sends another text than it was given, unless there is an error to report.
 * @param kept the text by Restcomm's record; empty if the record has none
 */
export function withTextChange(report: StatusReport, kept: string, sent: string): StatusReport {
  if (kept === sent || kept === '' || report.errorCode) return report;
  const errorMessage = sent.startsWith(kept)
    ? `Restcomm cut the text: it sends the first ${kept.length} of ${sent.length} characters`
    : 'Restcomm changed the text before it sent it';
  return { ...report, errorCode: TEXT_CHANGED, errorMessage };
}

/** Whether this is one of the carrier's words for a status, in any case. */
export const isRestcommStatus = (status: string): boolean => Object.hasOwn(STATUSES, status.toLowerCase());

/** 0, or SMPP's 000, means that there is no error (TelestaxDlrParser, SUCCESS_CODE). */
function errorOf(errorCode = ''): { code: string; message: string } {
  const given = toStorableText(errorCode.trim(), MAX_DETAIL);
  if (/^0*$/.test(given)) return { code: UNKNOWN_ERROR, message: 'Unknown error' };
  const known = Object.hasOwn(ERRORS, given.toUpperCase()) ? ERRORS[given.toUpperCase()] : undefined;
  return known ?? { code: given, message: `Restcomm error ${given}` };
}

/** Adds what the carrier says beyond the code's own words. */
function withDetails(message: string, details: readonly string[]): string {
  const plain = (text: string) => text.toLowerCase().replace(/\.$/, '');
  const storable = details.map((detail) => toStorableText(detail.trim(), MAX_DETAIL));
  return storable.reduce((said, detail) => (plain(said).includes(plain(detail)) ? said : `${said}: ${detail}`), message);
}
