import type { Mapping, Message } from '../../../prisma/client/client.ts';
import { partnerNumber } from './chats/conversations.ts';
import type { ShownSms } from './notices/cards.ts';
import { canBeAnswered } from './texts/recent-partners.ts';

/**
 * An SMS as it is shown to its Teams user.
 * @param maxReply the longest answer, in characters
 */
export function shownSms(
  { sid, from, body, mediaUrls }: Pick<Message, 'sid' | 'from' | 'body' | 'mediaUrls'>,
  mapping: Pick<Mapping, 'externalAddress'>,
  maxReply: number,
): ShownSms {
  const number = partnerNumber(from, mapping.externalAddress);
  return { sid, from: number, own: mapping.externalAddress, body, mediaUrls, maxReply: canBeAnswered(number) ? maxReply : undefined };
}
