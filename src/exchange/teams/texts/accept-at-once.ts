import type { Gateway } from '../../../domain/gateway.ts';
import { type AcceptGuard, acceptGuarded } from '../../../domain/messages/message-log.ts';
import { fromMapping } from '../../../domain/messages/send-message.ts';
import { noticeKey } from '../notices/notices.ts';
import { decideByConversation, usualMapping, type Written } from './decide.ts';

/**
 * Stores a text whose recipient is evident, with its recipient as the last partner, by one statement together with the texts of others. The statement
 * checks, with the user's conversation locked, that the facts behind the decision still hold.
 * @returns false if nothing was stored: the text has to be decided about in a transaction, or was stored before
 */
export async function acceptAtOnce({ sql }: Gateway, written: Written): Promise<boolean> {
  const { sender, place, addressing, media, activityId } = written;
  const { conversation, enterprise, enterpriseSids, hasQuestions, objectId } = sender;
  const mapping = usualMapping(sender, conversation);
  if (!conversation || hasQuestions || !mapping) return false;
  if (enterpriseSids.length > 1 || media.length > 0 || addressing.own !== undefined) return false;
  const decision = decideByConversation(written, { conversation, own: undefined, mapping });
  if (decision?.kind !== 'send' || decision.confirmed) return false;
  const { number, body } = decision;
  const teams = { conversationId: place.conversationId, activityId };
  const message = { ...fromMapping(mapping, mapping.accountSid, number, body), teams };
  const values = [
    objectId,
    number,
    addressing.kind === 'none',
    conversation.dateUpdated.toISOString(),
    noticeKey('said', place, activityId),
  ];
  // Two texts of one user are decided about one after another.
  const stored = await acceptGuarded(sql, GUARD, message, values, `${enterprise.enterpriseSid} ${objectId}`);
  return stored !== undefined;
}

/**
 * A text that names no number goes to the last partner, if that is still the same, and no SMS of another phone came since. An open question changes
 * what such a text means, and what is written again with its number. It marks the conversation as well: the mark is seen once the conversation is
 * locked, though the statement sees the question only if it was there when it began.
 */
const GUARD: AcceptGuard = {
  types: { objectId: 'text', number: 'text', isToPartner: 'bool', seen: 'timestamptz', saidKey: 'text' },
  allowed: `
    SELECT given.request_place FROM given
      JOIN teams_conversation c ON c.enterprise_sid = given.enterprise_sid COLLATE "C" AND c.object_id = given.object_id COLLATE "C"
    WHERE CASE WHEN given.is_to_partner
        THEN NOT c.partner_changed AND c.last_number = given.number AND c.last_mapping_sid IS NOT DISTINCT FROM given.mapping_sid COLLATE "C"
        ELSE NOT c.partner_changed OR c.date_updated = given.seen END
      AND NOT EXISTS (SELECT 1 FROM held_text h WHERE h.enterprise_sid = c.enterprise_sid AND h.object_id = c.object_id AND h.ended IS NULL)
      AND NOT EXISTS (SELECT 1 FROM held_text h WHERE h.enterprise_sid = c.enterprise_sid AND h.conversation_id = given.teams_conversation_id
        AND h.activity_id = given.teams_activity_id)
      AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.dedupe_key = given.said_key)
    ORDER BY c.enterprise_sid, c.object_id FOR UPDATE OF c`,
  alongside: `
    UPDATE teams_conversation c SET last_mapping_sid = placed.mapping_sid, last_number = placed.number, partner_changed = false,
      partner_date = clock_timestamp(), date_updated = now()
    FROM placed WHERE c.enterprise_sid = placed.enterprise_sid COLLATE "C" AND c.object_id = placed.object_id COLLATE "C"
      AND (c.partner_changed OR (c.last_mapping_sid, c.last_number) IS DISTINCT FROM (placed.mapping_sid COLLATE "C", placed.number))`,
};
