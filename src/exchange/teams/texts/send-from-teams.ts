import type { Mapping } from '../../../../prisma/client/client.ts';
import { acceptMessageIn } from '../../../domain/messages/message-log.ts';
import { fromMapping } from '../../../domain/messages/send-message.ts';
import { smsExcess } from '../../../domain/messages/sms-encoding.ts';
import type { Transaction } from '../../../domain/transaction.ts';
import { rememberPartner } from '../chats/conversations.ts';
import type { Place } from '../notices/notices.ts';
import { cannotAnswer, cannotAnswerName, tooLong } from '../notices/sentences.ts';
import { canBeAnswered } from './recent-partners.ts';
import type { Sender } from './senders.ts';

/** An SMS that a Teams user has written. */
export interface TeamsSms {
  readonly place: Place;
  /** The user's Microsoft Entra object id. */
  readonly objectId: string;
  readonly activityId: string;
  readonly mapping: Mapping;
  /** As of `partnerNumber`. */
  readonly number: string;
  readonly body: string;
}

/** Says why a text cannot become an SMS. @returns undefined if it can */
export function problemWith({ maxSms }: Pick<Sender, 'maxSms'>, { number, body }: Pick<TeamsSms, 'number' | 'body'>): string | undefined {
  if (!canBeAnswered(number)) return /\p{L}/u.test(number) ? cannotAnswerName(number) : cannotAnswer(number);
  const excess = smsExcess(body, maxSms);
  return excess && tooLong(excess.message);
}

/**
 * Stores an SMS and enqueues it, once per activity, and makes its recipient the user's last partner. In one transaction, or the next text without
 * a number could go to another. The caller hints (`queued`, `appended`) after the commit.
 * @throws DuplicateActivity if it was stored before
 */
export async function sendFromTeams(tx: Transaction, { place, objectId, activityId, mapping, number, body }: TeamsSms): Promise<void> {
  // The event comes last (docs/adr/0006).
  await rememberPartner(tx, mapping, objectId, { mappingSid: mapping.sid, number });
  const teams = { conversationId: place.conversationId, activityId };
  if (!(await acceptMessageIn(tx, { ...fromMapping(mapping, mapping.accountSid, number, body), teams }))) throw new DuplicateActivity();
}

/** The activity was accepted before. Rolls back, so that the user's last partner stays the later one. */
export class DuplicateActivity extends Error {}
