import type { Message, MessageHoldReason } from '../../../../prisma/client/client.ts';
import { UNKNOWN_ERROR } from '../../../domain/messages/status-reports.ts';
import { excerpt } from './sentences.ts';

/** Why an SMS was not delivered, by channelErrorCode, for the person who wrote it. Each is a sentence without its full stop. */
const REASONS: Readonly<Record<string, string>> = {
  '30001': 'The mobile network has too many messages to send',
  '30002': "The carrier's account is suspended",
  '30003': 'The phone is off, out of reach, or its number is not in use',
  '30004': 'The recipient, or their network, does not take your messages',
  '30005': 'The number does not exist, or is not in use',
  '30006': 'The number is a landline, or its network takes no SMS',
  '30007': 'The mobile network took the text for spam and stopped it',
  '30008': 'The mobile network does not say why',
  '30009': 'A part of the text was lost on the way',
  '30010': 'It would cost more than is allowed',
  '21610': 'The recipient has unsubscribed from your messages (STOP)',
  '21614': 'The number is not a mobile number',
  '21211': 'The number does not exist',
  '21408': 'Sending to this country is not allowed',
  ENTERPRISE_CLOSED: 'The enterprise is CLOSED',
  ENTERPRISE_INACTIVE: 'The enterprise is INACTIVE',
  MAPPING_NOT_FOUND: 'Your number is no longer assigned to you',
  ACCOUNT_CLOSED: "Your provider's account is closed",
  ACCOUNT_NOT_ACTIVE: "Your provider's account is not active",
  NO_REPORT: 'The mobile network has not said for three days whether it arrived, so it may have',
};

/** Why an SMS waits, by the reason of its hold, and what for. */
const WAITS: Partial<Record<MessageHoldReason, string>> = {
  ENTERPRISE_INACTIVE: 'Your enterprise is INACTIVE. The SMS is sent when it is ACTIVE again.',
  ACCOUNT_SUSPENDED: "Your provider's account is suspended. The SMS is sent when it is active again.",
  CARRIER_ACCOUNT: 'The carrier does not let your provider send. The SMS is sent when that is settled.',
  RETRIES_EXHAUSTED: 'The carrier has not taken it for about an hour.',
};

type FailedMessage = Pick<Message, 'to' | 'body' | 'stuck' | 'holdReason' | 'channelStatus' | 'channelErrorCode' | 'channelErrorMessage'>;

/** Says that an SMS was not delivered: to whom, which one, and why. */
export function failureText(message: FailedMessage): string {
  const { to, body, stuck } = message;
  const happened = stuck ? `Your SMS to ${to} has not been sent yet` : `Your SMS to ${to} was not delivered`;
  return `${happened}: ${excerpt(body)}\n${reasonOf(message)}`;
}

function reasonOf({ stuck, holdReason, channelErrorCode, channelErrorMessage }: FailedMessage): string {
  const wait = stuck && holdReason ? WAITS[holdReason] : undefined;
  if (wait) return wait;
  // What the carrier says of an error without a code of its own.
  const said = channelErrorCode === UNKNOWN_ERROR ? channelErrorMessage?.split(': ').slice(1).join(': ') : undefined;
  const reason = said || (REASONS[channelErrorCode ?? ''] ?? channelErrorMessage ?? 'The reason is not known');
  return `${reason.replace(/\.$/, '')}.`;
}

/** Whether a stuck SMS stays so until somebody sends it again; others are sent once their cause is removed. */
export const isSetAside = ({ stuck, holdReason }: Pick<Message, 'stuck' | 'holdReason'>): boolean =>
  stuck && (holdReason === null || holdReason === 'RETRIES_EXHAUSTED');

/** Whether an SMS needs its writer's attention: it has failed, or waits until somebody does something. */
export const hasFailed = ({ stuck, channelStatus }: Pick<Message, 'stuck' | 'channelStatus'>): boolean =>
  stuck || channelStatus === 'FAILED' || channelStatus === 'UNDELIVERED';
