import { randomUUID } from 'node:crypto';
import type { TeamsConversation as ConversationRow, Mapping } from '../../../prisma/client/client.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { foldForSms } from '../../domain/messages/sms-folding.ts';
import { plainCharacter, regionOf } from '../../domain/phone-numbers.ts';
import { inTransaction, type Transaction } from '../../domain/transaction.ts';
import { type Activity, storable } from './activity.ts';
import { type Media, textOf } from './activity-text.ts';
import { type Addressing, readAddressing } from './addressing.ts';
import { questionActivity } from './cards.ts';
import { findConversation, lockConversations, markPartnerUnclear, type Partner } from './conversations.ts';
import { type Choice, endQuestion, hold, openQuestions } from './held-texts.ts';
import { addNotice, noticeKey, type Place } from './notices.ts';
import { quotedMessage } from './quoted-messages.ts';
import { canBeAnswered, recentPartners } from './recent-partners.ts';
import { DuplicateActivity, problemWith, sendFromTeams, type TeamsSms } from './send-from-teams.ts';
import { sendHeld } from './send-held.ts';
import { mappingOf, type Sender } from './senders.ts';
import { CHOOSE_ON_CARD, HELP, mediaNotSent, notANumber, notRead, notYourNumber, sentTo, WAITS_TOO } from './sentences.ts';

/** How many choices a question offers. Teams shows six buttons; two are for another number and for none. */
const MAX_CHOICES = 4;

/** A text that a Teams user wrote to the bot, and what it is decided by. */
interface Written {
  readonly place: Place;
  readonly sender: Sender;
  readonly activityId: string;
  readonly addressing: Addressing;
  readonly quotedMessageId: string | undefined;
  readonly media: readonly Media[];
}

/** What becomes of a text. */
type Decision =
  | { readonly kind: 'send'; readonly mapping: Mapping; readonly number: string; readonly body: string; readonly confirmed: boolean }
  | {
      readonly kind: 'hold';
      readonly mapping: Mapping;
      readonly problem?: string;
      readonly choices: readonly Choice[];
      readonly body: string;
    }
  | { readonly kind: 'answer'; readonly questionSid: string; readonly number: string; readonly mapping: Mapping | undefined }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'nothing' };

/**
 * Makes a Teams user's text an SMS, once per activity; or asks whom it is for, and holds it; or says why it cannot become one.
 */
export async function receiveText(gateway: Gateway, sender: Sender, activity: Activity): Promise<void> {
  const { prisma, hints } = gateway;
  const { bot, objectId, mappings } = sender;
  const { organizationSid, enterpriseSid } = bot;
  const place = { organizationSid, enterpriseSid, conversationId: activity.conversation.id, serviceUrl: activity.serviceUrl };
  const { text, quotedMessageId, media } = textOf(activity);
  const known = await findConversation(prisma, enterpriseSid, objectId);
  const usual = usualMapping(sender, known);
  const read = readAddressing(storable(text), {
    region: usual && regionOf(usual.externalAddress),
    ownNumbers: mappings.map(({ externalAddress }) => externalAddress),
  });
  const addressing = gateway.foldTypography === false ? read : folded(read);
  const activityId = activity.id ?? `gateway:${randomUUID()}`;
  const written = { place, sender, activityId, addressing, quotedMessageId, media };
  try {
    await inTransaction(prisma, (tx) => process(tx, written));
  } catch (error) {
    if (error instanceof DuplicateActivity) return;
    throw error;
  }
  hints.queued();
  for (const mapping of mappings) hints.appended(mapping.organizationSid);
}

/** The bodies that are sent, as GSM-7 has them where it can. */
function folded(addressing: Addressing): Addressing {
  const fold = <Text extends { readonly body: string }>(text: Text): Text => ({ ...text, body: foldForSms(text.body) });
  return addressing.kind === 'unclear' ? { ...fold(addressing), readings: addressing.readings.map(fold) } : fold(addressing);
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
      return sendHeld(tx, { ...decision, place, sender, dedupeKey: noticeKey('said', place, activityId) });
    case 'say':
      return addNotice(tx, place, decision.text, noticeKey('said', place, activityId));
    case 'nothing':
  }
}

/** Whether the activity has become a message, a held text or an answer before. */
async function isKnown(tx: Transaction, { mappings, enterpriseSids }: Sender, place: Place, activityId: string): Promise<boolean> {
  const { conversationId } = place;
  const organizationSids = [...new Set(mappings.map(({ organizationSid }) => organizationSid))];
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM message WHERE organization_sid = ANY (${organizationSids}::text[]) AND teams_conversation_id = ${conversationId} AND teams_activity_id = ${activityId}
      AND direction = 'INBOUND'
    UNION ALL
    SELECT 1 FROM held_text WHERE enterprise_sid = ANY (${[...enterpriseSids]}::text[]) AND conversation_id = ${conversationId} AND activity_id = ${activityId}
    UNION ALL
    SELECT 1 FROM notice WHERE dedupe_key = ${noticeKey('said', place, activityId)}`;
  return rows.length > 0;
}

/** The mapping of texts that name no number of the user's: the one last used, else the first. */
const usualMapping = ({ mappings }: Sender, conversation: Pick<ConversationRow, 'lastMappingSid'> | null): Mapping | undefined =>
  mappings.find(({ sid }) => sid === conversation?.lastMappingSid) ?? mappings[0];

async function decide(tx: Transaction, written: Written): Promise<Decision> {
  const { addressing, sender, media, place } = written;
  const own = addressing.own === undefined ? undefined : mappingOf(sender.mappings, addressing.own);
  if (addressing.own !== undefined && !own) return { kind: 'say', text: notYourNumber(addressing.own) };
  // Whom a text without a number is for, the enterprise knows whose number it is to be sent from.
  const conversation = await findConversation(tx, own?.enterpriseSid ?? place.enterpriseSid, sender.objectId);
  const mapping = own ?? (usualMapping(sender, conversation) as Mapping);
  if (addressing.kind === 'target') {
    if (addressing.body === '') return answerOrHelp(tx, written, own, addressing.target.number);
    const { number, written: spelling } = addressing.target;
    return sendOrSay(sender, { mapping, number, body: addressing.body, confirmed: own !== undefined || !isEvident(spelling, number) });
  }
  if (addressing.body === '') return media.length > 0 && !own ? { kind: 'nothing' } : { kind: 'say', text: HELP };
  if (addressing.kind === 'unclear') return unclear(tx, written, conversation, mapping, addressing);
  return withoutNumber(tx, written, conversation, mapping, own);
}

/** Whether a number is written with all its digits, so that the user sees where the text goes. */
function isEvident(spelling: string, number: string): boolean {
  return (
    Array.from(spelling, plainCharacter)
      .join('')
      .replace(/[^+0-9]/g, '') === number
  );
}

function sendOrSay(sender: Sender, sms: { mapping: Mapping; number: string; body: string; confirmed: boolean }): Decision {
  const problem = problemWith(sender, sms);
  return problem === undefined ? { kind: 'send', ...sms } : { kind: 'say', text: problem };
}

/** A number alone answers the question that is open. */
async function answerOrHelp(tx: Transaction, { sender }: Written, mapping: Mapping | undefined, number: string): Promise<Decision> {
  const [question, ...others] = await openQuestions(tx, sender);
  if (!question) return { kind: 'say', text: HELP };
  return others.length > 0 ? { kind: 'say', text: CHOOSE_ON_CARD } : { kind: 'answer', questionSid: question.sid, number, mapping };
}

/** A text that begins like a number and is none that can be read. */
async function unclear(
  tx: Transaction,
  { place, sender, quotedMessageId }: Written,
  conversation: ConversationRow | null,
  mapping: Mapping,
  { written, readings, body, own }: Extract<Addressing, { kind: 'unclear' }>,
): Promise<Decision> {
  const problem = problemWith(sender, { number: '+999', body });
  if (problem) return { kind: 'say', text: problem };
  if (!/\p{L}/u.test(body) && (await openQuestions(tx, sender)).length > 0) return { kind: 'say', text: notANumber(written) };
  const quoted = quotedMessageId === undefined ? undefined : await quotedMessage(tx, sender, place.conversationId, quotedMessageId);
  const whole = await wholeTextChoices(tx, sender, conversation, { mapping, own, body, first: quoted?.number });
  const read = readings.flatMap((reading) => (reading.body === '' ? [] : [{ ...reading, mappingSid: mapping.sid }]));
  return { kind: 'hold', mapping, problem: notRead(written), body, choices: distinct([...read, ...whole]).slice(0, MAX_CHOICES) };
}

async function withoutNumber(
  tx: Transaction,
  { place, sender, addressing, quotedMessageId }: Written,
  conversation: ConversationRow | null,
  usual: Mapping,
  own: Mapping | undefined,
): Promise<Decision> {
  const { body } = addressing;
  const quoted = quotedMessageId === undefined ? undefined : await quotedMessage(tx, sender, place.conversationId, quotedMessageId);
  if (quoted) {
    const mapping = own ?? sender.mappings.find(({ sid }) => sid === quoted.mappingSid) ?? usual;
    return sendOrSay(sender, { mapping, number: quoted.number, body, confirmed: quoted.own || own !== undefined });
  }
  const number = conversation?.lastNumber;
  if (!number) return { kind: 'say', text: HELP };
  if (!conversation.partnerChanged) return sendOrSay(sender, { mapping: usual, number, body, confirmed: own !== undefined });
  const problem = problemWith(sender, { number: '+999', body });
  if (problem) return { kind: 'say', text: problem };
  const choices = await wholeTextChoices(tx, sender, conversation, { mapping: usual, own: addressing.own, body });
  return { kind: 'hold', mapping: usual, body, choices };
}

interface Wanted {
  readonly mapping: Mapping;
  /** Which number to send from, if the text names it. */
  readonly own: string | undefined;
  readonly body: string;
  /** The number to offer first. */
  readonly first?: string;
}

/** The last partners, as choices that send the whole text. */
async function wholeTextChoices(
  tx: Transaction,
  { mappings }: Sender,
  conversation: ConversationRow | null,
  { mapping, own, body, first }: Wanted,
): Promise<Choice[]> {
  const last: Partner[] = conversation?.lastNumber ? [{ number: conversation.lastNumber, mappingSid: mapping.sid }] : [];
  const offered = [...(first === undefined ? [] : [{ number: first, mappingSid: mapping.sid }]), ...last];
  const partners = [...offered.filter(({ number }) => canBeAnswered(number)), ...(await recentPartners(tx, mappings, MAX_CHOICES))];
  return distinct(partners.map((partner) => ({ number: partner.number, mappingSid: own ? mapping.sid : partner.mappingSid, body })));
}

const distinct = (choices: readonly Choice[]): Choice[] =>
  choices.filter(({ number, body }, index) => index === choices.findIndex((other) => other.number === number && other.body === body));

async function send(tx: Transaction, written: Written, decision: Extract<Decision, { kind: 'send' }>): Promise<void> {
  const { place, sender, activityId } = written;
  const { mapping, number, body, confirmed } = decision;
  const sms: TeamsSms = { place, objectId: sender.objectId, activityId, mapping, number, body };
  // Who writes a held text again, with its number, has answered the question.
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
  const said = before ? WAITS_TOO : questionActivity(held.sid, { body, choices, problem, ownNumbers: numbersOf(sender.mappings) });
  await addNotice(tx, place, said, noticeKey('said', place, activityId));
}

/** The user's numbers by mapping. */
const numbersOf = (mappings: readonly Mapping[]): ReadonlyMap<string, string> =>
  new Map(mappings.map(({ sid, externalAddress }) => [sid, externalAddress]));
