import { randomUUID } from 'node:crypto';
import { Prisma, type PrismaClient } from '../../../../prisma/client/client.ts';
import type { Gateway } from '../../../domain/gateway.ts';
import { foldForSms } from '../../../domain/messages/sms-folding.ts';
import { COMMANDS } from '../../../domain/teams-app/commands.ts';
import { inTransaction, type Transaction } from '../../../domain/transaction.ts';
import { regionOf } from '../../../domain/values/phone-numbers.ts';
import { replaceUnstorable } from '../../../domain/values/text.ts';
import { lockConversations, markPartnerUnclear } from '../chats/conversations.ts';
import { questionActivity } from '../notices/cards.ts';
import { addNotice, noticeKey, type Place } from '../notices/notices.ts';
import { mediaNotSent, sentTo, WAITS_TOO } from '../notices/sentences.ts';
import type { Activity } from '../reading/activity.ts';
import { textOf } from '../reading/activity-text.ts';
import { type Addressing, readAddressing } from '../reading/addressing.ts';
import { acceptAtOnce } from './accept-at-once.ts';
import { type Decision, decide, usualMapping, type Written } from './decide.ts';
import { endQuestion, hold, openQuestions } from './held-texts.ts';
import { DuplicateActivity, sendFromTeams, type TeamsSms } from './send-from-teams.ts';
import { sendHeld } from './send-held.ts';
import { numbersOf, type Sender } from './senders.ts';

/** What Teams suggests to write, without the number and the text: as an empty text is, it is answered with how to write. */
const SUGGESTIONS: ReadonlySet<string> = new Set(COMMANDS.map(({ title }) => title));

/**
 * Makes a Teams user's text an SMS, once per activity; or asks whom it is for, and holds it; or says why it cannot become one.
 */
export async function receiveText(gateway: Gateway, sender: Sender, activity: Activity): Promise<void> {
  const { prisma, hints } = gateway;
  const { mappings, conversation } = sender;
  const place = { ...sender.enterprise, conversationId: activity.conversation.id, serviceUrl: activity.serviceUrl };
  const { text: whole, quotedMessageId, quotedNumber, media } = textOf(activity);
  const text = SUGGESTIONS.has(whole.trim()) ? '' : whole;
  const usual = usualMapping(sender, conversation);
  const read = readAddressing(replaceUnstorable(text), {
    region: usual && regionOf(usual.externalAddress),
    ownNumbers: mappings.map(({ externalAddress }) => externalAddress),
  });
  const addressing = gateway.foldTypography === false ? read : folded(read);
  const activityId = activity.id ?? `gateway:${randomUUID()}`;
  const written = { place, sender, activityId, addressing, quotedMessageId, quotedNumber, media };
  try {
    const isSent = await acceptAtOnce(gateway, written);
    if (!isSent) await inTransaction(prisma, (tx) => process(tx, written));
    hints.queued(isSent ? 'carrier' : undefined);
  } catch (error) {
    if (error instanceof DuplicateActivity) return;
    throw error;
  }
  for (const mapping of mappings) hints.appended(mapping.organizationSid);
}

/** The bodies that are sent, as GSM-7 has them where it can. */
function folded(addressing: Addressing): Addressing {
  const fold = <Text extends { readonly body: string }>(text: Text): Text => ({ ...text, body: foldForSms(text.body) });
  if (addressing.kind === 'unclear') return { ...fold(addressing), readings: addressing.readings.map(fold) };
  if (addressing.kind === 'target' || addressing.sentence === undefined) return fold(addressing);
  return { ...fold(addressing), sentence: foldForSms(addressing.sentence) };
}

async function process(tx: Transaction, written: Written): Promise<void> {
  const { place, sender, activityId, media } = written;
  await lockConversations(tx, sender);
  if (await isKnown(tx, sender, place, activityId)) throw new DuplicateActivity();
  const decision = await decide(tx, written);
  const sent = decision.kind === 'send' || decision.kind === 'hold';
  if (media.length > 0) await addNotice(tx, place, mediaNotSent(media, sent), noticeKey('media', place, activityId));
  switch (decision.kind) {
    case 'send':
      return send(tx, written, decision);
    case 'hold':
      return ask(tx, written, decision);
    case 'answer':
      return sendHeld(tx, { ...decision, place, sender, dedupeKey: noticeKey('answer', place, activityId) });
    case 'say':
      return addNotice(tx, place, decision.text, noticeKey('said', place, activityId));
    case 'nothing':
  }
}

/** Whether the activity has become a message, a held text or an answer before. */
async function isKnown(tx: Transaction, sender: Sender, place: Place, activityId: string): Promise<boolean> {
  const { conversationId } = place;
  const rows = await tx.$queryRaw<unknown[]>`
    ${messageOf(sender, place, activityId)}
    UNION ALL
    SELECT 1 FROM held_text WHERE enterprise_sid = ANY (${[...sender.enterpriseSids]}::text[]) AND conversation_id = ${conversationId}
      AND activity_id = ${activityId}
    UNION ALL
    SELECT 1 FROM notice WHERE dedupe_key IN (${noticeKey('said', place, activityId)}, ${noticeKey('answer', place, activityId)})`;
  return rows.length > 0;
}

/** Whether the activity was a text that did not become a message, and its writer was notified of that within the last days. */
export async function wasRefused(client: PrismaClient | Transaction, sender: Sender, place: Place, activityId: string): Promise<boolean> {
  const rows = await client.$queryRaw<unknown[]>`
    SELECT 1 FROM notice WHERE dedupe_key IN (${noticeKey('said', place, activityId)}, ${noticeKey('media', place, activityId)})
      AND NOT EXISTS (${messageOf(sender, place, activityId)})`;
  return rows.length > 0;
}

function messageOf({ mappings }: Sender, { conversationId }: Place, activityId: string): Prisma.Sql {
  const organizationSids = [...new Set(mappings.map(({ organizationSid }) => organizationSid))];
  return Prisma.sql`SELECT 1 FROM message WHERE organization_sid = ANY (${organizationSids}::text[]) AND teams_conversation_id = ${conversationId}
      AND teams_activity_id = ${activityId} AND direction = 'INBOUND'`;
}

async function send(tx: Transaction, written: Written, decision: Extract<Decision, { kind: 'send' }>): Promise<void> {
  const { place, sender, activityId } = written;
  const { mapping, number, body, confirmed } = decision;
  const sms: TeamsSms = { place, objectId: sender.objectId, activityId, mapping, number, body };
  // Writing a held text again, with its number, answers the question.
  const answered = (await openQuestions(tx, sender)).find((question) => question.body === body);
  if (confirmed) await addNotice(tx, place, sentTo(number), noticeKey('said', place, activityId));
  if (!answered) return sendFromTeams(tx, sms);
  const [, ...behind] = await endQuestion(tx, answered.sid, number);
  await sendFromTeams(tx, sms);
  for (const held of behind) await sendFromTeams(tx, { ...sms, activityId: held.activityId, body: held.body });
}

async function ask(tx: Transaction, written: Written, decision: Extract<Decision, { kind: 'hold' }>): Promise<void> {
  const { place, sender, activityId, addressing } = written;
  const { mapping, body, choices, problem } = decision;
  const [before] = addressing.kind === 'none' ? (await openQuestions(tx, sender)).slice(-1) : [];
  const held = await hold(tx, {
    ...place,
    objectId: sender.objectId,
    activityId,
    mappingSid: mapping.sid,
    body,
    choices,
    behind: before?.sid,
  });
  if (!held) throw new DuplicateActivity();
  await markPartnerUnclear(tx, place.enterpriseSid, sender.objectId);
  const said = before ? WAITS_TOO : questionActivity(held.sid, { body, choices, problem, ownNumbers: numbersOf(sender) });
  await addNotice(tx, place, said, noticeKey('said', place, activityId));
}
