import type { Mapping } from '../../../../prisma/client/client.ts';
import type { Transaction } from '../../../domain/transaction.ts';
import { kindOfSender } from '../../../domain/values/phone-numbers.ts';
import { isPhoneNumber } from '../../../domain/values/text.ts';
import { type Partner, partnerNumber } from '../chats/conversations.ts';

/** How many messages of each mapping are looked through. */
const LOOK_BACK = 30;

/**
 * Whom a user exchanged messages with, the most recent first, each by the mapping last used. Without those that cannot be answered.
 * @param limit how many at most
 */
export async function recentPartners(tx: Transaction, mappings: readonly Mapping[], limit: number): Promise<Partner[]> {
  const messages = await Promise.all(
    mappings.slice(0, 10).map(async (mapping) => {
      const rows = await tx.message.findMany({
        where: { mappingSid: mapping.sid },
        orderBy: [{ dateCreated: 'desc' }, { sid: 'desc' }],
        take: LOOK_BACK,
        select: { direction: true, from: true, to: true, dateCreated: true },
      });
      return rows.map((row) => ({ ...row, mapping }));
    }),
  );
  const partners = new Map<string, Partner>();
  for (const { direction, from, to, mapping } of messages.flat().sort((a, b) => b.dateCreated.getTime() - a.dateCreated.getTime())) {
    const number = partnerNumber(direction === 'OUTBOUND' ? from : to, mapping.externalAddress);
    if (canBeAnswered(number) && !partners.has(number)) partners.set(number, { number, mappingSid: mapping.sid });
  }
  return [...partners.values()].slice(0, limit);
}

/** Whether an SMS can be sent to a partner, as of `partnerNumber`: a phone or a short code, no name. */
export const canBeAnswered = (number: string): boolean => kindOfSender(number) !== 'name' && isPhoneNumber(number);
