import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { HeldText, Mapping, Message } from '../../../prisma/client/client.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { foldForSms } from '../../domain/messages/sms-folding.ts';
import { inTransaction, type Transaction } from '../../domain/transaction.ts';
import { regionOf, toE164 } from '../../domain/values/phone-numbers.ts';
import { replaceUnstorable } from '../../domain/values/text.ts';
import { lockConversations } from './chats/conversations.ts';
import { type Card, outcomeCard, questionCard, smsCard } from './notices/cards.ts';
import { addNotice, noticeKey, type Place } from './notices/notices.ts';
import {
  ALREADY_ENDED,
  CANNOT_RETRY,
  dropped,
  EMPTY_REPLY,
  NOT_YOURS,
  notANumber,
  repliedTo,
  SENT_AGAIN,
  UNKNOWN_ACTION,
} from './notices/sentences.ts';
import type { Activity } from './reading/activity.ts';
import { retryFromTeams } from './retry-from-teams.ts';
import { shownSms } from './shown-sms.ts';
import { choicesOf, endQuestion } from './texts/held-texts.ts';
import { DuplicateActivity, problemWith, sendFromTeams } from './texts/send-from-teams.ts';
import { answerQuestion, isOf } from './texts/send-held.ts';
import { numbersOf, type Sender } from './texts/senders.ts';

// What the buttons of the bot's cards do. Action.Execute sends an invoke, which is answered; Action.Submit, in clients without it, a message.

const text = z.string().transform(replaceUnstorable);
const executed = z.object({ action: z.object({ verb: text, data: z.unknown().optional() }) });
const submitted = z.looseObject({ verb: text });
const data = {
  reply: z.object({ message: text, reply: text.optional() }),
  send: z.object({ held: text, choice: z.number().int().min(0) }),
  sendTo: z.object({ held: text, number: text.optional() }),
  discard: z.object({ held: text }),
  retry: z.object({ message: text }),
};

/** A button that was pressed. */
export interface CardAction {
  readonly verb: string;
  readonly data: unknown;
}

/** What a button has done: what to say, and what the card becomes. */
interface ActionOutcome {
  readonly text: string;
  readonly card: Card;
}

/** Reads which button an activity is from. @returns undefined if it is from none */
export function cardActionOf({ type, name, value }: Activity): CardAction | undefined {
  if (type === 'invoke' && name === 'adaptiveCard/action') {
    const { data: given } = executed.safeParse(value);
    return given ? { verb: given.action.verb, data: given.action.data } : { verb: '', data: undefined };
  }
  const given = type === 'message' ? submitted.safeParse(value).data : undefined;
  return given && { verb: given.verb, data: value };
}

/** Does what a button asks for, on behalf of the user who pressed it; once, however often the activity comes. */
export async function performCardAction(gateway: Gateway, sender: Sender, activity: Activity, action: CardAction): Promise<ActionOutcome> {
  const { organizationSid, enterpriseSid } = sender.enterprise;
  const place = { organizationSid, enterpriseSid, conversationId: activity.conversation.id, serviceUrl: activity.serviceUrl };
  const pressed = { gateway, sender, place, activityId: activity.id ?? `gateway:${randomUUID()}` };
  const outcome = await perform(pressed, action);
  gateway.hints.queued();
  for (const mapping of sender.mappings) gateway.hints.appended(mapping.organizationSid);
  return typeof outcome === 'string' ? { text: outcome, card: outcomeCard(outcome) } : outcome;
}

interface Pressed {
  readonly gateway: Gateway;
  readonly sender: Sender;
  readonly place: Place;
  readonly activityId: string;
}

/** What was written into a card's box. */
function bodyOf({ foldTypography }: Gateway, written = ''): string {
  return foldTypography === false ? written.trim() : foldForSms(written.trim());
}

async function perform(pressed: Pressed, { verb, data: given }: CardAction): Promise<string | ActionOutcome> {
  const reply = verb === 'reply' && data.reply.safeParse(given).data;
  if (reply) return replyTo(pressed, reply.message, bodyOf(pressed.gateway, reply.reply));
  const chosen = verb === 'send' && data.send.safeParse(given).data;
  if (chosen) return sendChoice(pressed, chosen.held, chosen.choice);
  const other = verb === 'sendTo' && data.sendTo.safeParse(given).data;
  if (other) return sendToNumber(pressed, other.held, other.number?.trim() ?? '');
  const discarded = verb === 'discard' && data.discard.safeParse(given).data;
  if (discarded) return discard(pressed, discarded.held);
  const failed = verb === 'retry' && data.retry.safeParse(given).data;
  if (failed) {
    const { gateway, sender, activityId } = pressed;
    return (await retryFromTeams(gateway, sender, failed.message, activityId)) ? SENT_AGAIN : CANNOT_RETRY;
  }
  return UNKNOWN_ACTION;
}

/** A second press of the same button is meant once; after this, in ms, the same text is another one. */
const DOUBLE_PRESS_MS = 10_000;

async function replyTo({ gateway, sender, place, activityId }: Pressed, messageSid: string, body: string): Promise<string | ActionOutcome> {
  const message = await gateway.prisma.message.findUnique({ where: { sid: messageSid } });
  const mapping = message ? sender.mappings.find(({ sid }) => sid === message.mappingSid) : undefined;
  if (message?.direction !== 'OUTBOUND' || !mapping) return NOT_YOURS;
  const shown = shownSms(message, mapping, sender.maxSms.characters);
  const number = shown.from;
  const problem = body === '' ? EMPTY_REPLY : problemWith(sender, { number, body });
  if (problem) return { text: problem, card: smsCard({ ...shown, problem }) };
  const said = repliedTo(number, body);
  await ignoringDuplicates(() =>
    inTransaction(gateway.prisma, async (tx) => {
      await lockConversations(tx, sender);
      if (await wasJustSent(tx, mapping, number, body)) return;
      await sendFromTeams(tx, { place, objectId: sender.objectId, activityId, mapping, number, body });
      await addNotice(tx, place, said, noticeKey('said', place, activityId));
    }),
  );
  return { text: said, card: smsCard({ ...shown, replied: body }) };
}

async function wasJustSent(tx: Transaction, mapping: Mapping, number: string, body: string): Promise<boolean> {
  const where: Partial<Message> = { mappingSid: mapping.sid, direction: 'INBOUND', to: number, body };
  const since = new Date(Date.now() - DOUBLE_PRESS_MS);
  return (await tx.message.count({ where: { ...(where as object), dateCreated: { gt: since } } })) > 0;
}

async function sendChoice({ gateway, sender, place }: Pressed, questionSid: string, index: number): Promise<string | ActionOutcome> {
  const held = await gateway.prisma.heldText.findUnique({ where: { sid: questionSid } });
  const choice = held && isOf(sender, held) ? choicesOf(held)[index] : undefined;
  if (!held || !choice) return ALREADY_ENDED;
  const mapping = sender.mappings.find(({ sid }) => sid === choice.mappingSid);
  // Not from another number than the button names.
  if (!mapping && !held.ended) return askAgain(sender, held, NOT_YOURS);
  const { number, body } = choice;
  return answer(gateway, { sender, place, questionSid, number, body, mapping });
}

async function sendToNumber({ gateway, sender, place }: Pressed, questionSid: string, written: string): Promise<string | ActionOutcome> {
  const held = await gateway.prisma.heldText.findUnique({ where: { sid: questionSid } });
  const mapping = sender.mappings.find(({ sid }) => sid === held?.mappingSid) ?? sender.mappings[0];
  const number = toE164(written, mapping && regionOf(mapping.externalAddress));
  if (!number && held && isOf(sender, held) && !held.ended) return askAgain(sender, held, notANumber(written));
  return number ? answer(gateway, { sender, place, questionSid, number }) : notANumber(written);
}

/** The question's card stays, so that it can still be answered. */
function askAgain(sender: Sender, held: HeldText, refused: string): ActionOutcome {
  const { sid, body } = held;
  return { text: refused, card: questionCard(sid, { body, choices: choicesOf(held), ownNumbers: numbersOf(sender), refused }) };
}

async function answer(gateway: Gateway, given: Parameters<typeof answerQuestion>[1]): Promise<string> {
  let said = '';
  await ignoringDuplicates(() =>
    inTransaction(gateway.prisma, async (tx) => {
      await lockConversations(tx, given.sender);
      said = await answerQuestion(tx, given);
    }),
  );
  return said;
}

async function discard({ gateway, sender }: Pressed, sid: string): Promise<string> {
  return inTransaction(gateway.prisma, async (tx) => {
    await lockConversations(tx, sender);
    const held = await tx.heldText.findUnique({ where: { sid } });
    if (!held || !isOf(sender, held)) return ALREADY_ENDED;
    const [text, ...behind] = await endQuestion(tx, sid, undefined);
    return text ? dropped(behind.map(({ body }) => body)) : ALREADY_ENDED;
  });
}

async function ignoringDuplicates(work: () => Promise<void>): Promise<void> {
  await work().catch((error) => {
    if (!(error instanceof DuplicateActivity)) throw error;
  });
}
