import type { Transaction } from '../../../domain/transaction.ts';
import { type Partner, partnerNumber } from '../chats/conversations.ts';
import type { Sender } from './senders.ts';

/** Whom a quoted message was from or for. */
interface Quoted extends Pick<Partner, 'number'> {
  readonly mappingSid: string | null;
  /** Whether the user wrote it, so that what is quoted does not show the number. */
  readonly own: boolean;
}

/**
 * Finds the partner of the message that a reply quotes: the sender of an SMS, the recipient of the user's own.
 * @param conversationId where the reply was written
 * @param activityId of the quoted message
 * @returns undefined if the quoted activity is no message of the user's
 */
export async function quotedMessage(
  tx: Transaction,
  { mappings, enterpriseSids }: Sender,
  conversationId: string,
  activityId: string,
): Promise<Quoted | undefined> {
  const message = await tx.message.findFirst({
    where: {
      organizationSid: { in: [...new Set(mappings.map(({ organizationSid }) => organizationSid))] },
      enterpriseSid: { in: [...enterpriseSids] },
      teamsConversationId: conversationId,
      teamsActivityId: activityId,
    },
    orderBy: { dateCreated: 'desc' },
    include: { mapping: true },
  });
  if (!message) return undefined;
  const own = message.direction === 'INBOUND';
  const number = partnerNumber(own ? message.to : message.from, message.mapping?.externalAddress);
  return { number, mappingSid: message.mappingSid, own };
}
