import type { Mapping, TeamsConversation } from '../../../../prisma/client/client.ts';
import type { Transaction } from '../../../domain/transaction.ts';
import { plainCharacter } from '../../../domain/values/phone-numbers.ts';
import { findConversation, type Partner } from '../chats/conversations.ts';
import type { Place } from '../notices/notices.ts';
import { CHOOSE_ON_CARD, HELP, notANumber, notRead, notYourNumber, perhapsNotFrom } from '../notices/sentences.ts';
import type { Media } from '../reading/activity-text.ts';
import type { Addressing } from '../reading/addressing.ts';
import { type Choice, openQuestions } from './held-texts.ts';
import { quotedMessage } from './quoted-messages.ts';
import { canBeAnswered, recentPartners } from './recent-partners.ts';
import { problemWith } from './send-from-teams.ts';
import { mappingOf, type Sender } from './senders.ts';

// What to do with a text that a Teams user wrote: whom it is for, or what they are asked or told (docs/adr/0016).

/** How many choices a question offers. Teams shows six buttons; two are for another number and for none. */
const MAX_CHOICES = 4;

/** A text that a Teams user wrote to the bot, and what it is decided by. */
export interface Written {
  readonly place: Place;
  readonly sender: Sender;
  readonly activityId: string;
  readonly addressing: Addressing;
  readonly quotedMessageId: string | undefined;
  /** The number that the quoted message names, in case it is no message that is known. */
  readonly quotedNumber: string | undefined;
  readonly media: readonly Media[];
}

/** What to do with a text. */
export type Decision =
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

/** The mapping of texts that name no number of the user's: the one last used, else the first. */
export const usualMapping = ({ mappings }: Sender, conversation: Pick<TeamsConversation, 'lastMappingSid'> | null): Mapping | undefined =>
  mappings.find(({ sid }) => sid === conversation?.lastMappingSid) ?? mappings[0];

/** Decides what to do with a text. */
export async function decide(tx: Transaction, written: Written): Promise<Decision> {
  const { addressing, sender, place } = written;
  const own = addressing.own === undefined ? undefined : mappingOf(sender.mappings, addressing.own);
  if (addressing.own !== undefined && !own) return { kind: 'say', text: notYourNumber(addressing.own) };
  // The last partner is that of the enterprise whose number the text is sent from.
  const conversation = await findConversation(tx, own?.enterpriseSid ?? place.enterpriseSid, sender.objectId);
  const known = { conversation, own, mapping: own ?? (usualMapping(sender, conversation) as Mapping) };
  const decision = decideByConversation(written, known);
  if (decision) return decision;
  if (addressing.kind === 'target') return answerOrHelp(tx, written, own, addressing.target.number);
  if (addressing.kind === 'unclear') return unclear(tx, written, known, addressing);
  return addressing.sentence === undefined ? withoutNumber(tx, written, known) : perhapsFrom(tx, written, known, addressing.sentence);
}

/** What a decision needs besides the text. */
interface Known {
  /** With the enterprise whose number the text is to be sent from. */
  readonly conversation: TeamsConversation | null;
  /** The mapping whose number the text names. */
  readonly own: Mapping | undefined;
  /** That one, or the usual one. */
  readonly mapping: Mapping;
}

/**
 * Decides what needs nothing else to be read.
 * @returns undefined if more has to be read
 */
export function decideByConversation(
  { addressing, sender, media, quotedMessageId }: Written,
  { conversation, own, mapping }: Known,
): Decision | undefined {
  const { body } = addressing;
  if (addressing.kind === 'target') {
    const { number, written: spelling } = addressing.target;
    if (body === '') return undefined;
    return sendOrSay(sender, { mapping, number, body, confirmed: own !== undefined || !isEvident(spelling, number) });
  }
  if (body === '') return media.length > 0 && !own ? { kind: 'nothing' } : { kind: 'say', text: HELP };
  if (addressing.kind === 'unclear' || addressing.sentence !== undefined || quotedMessageId !== undefined) return undefined;
  const number = conversation?.lastNumber;
  if (!number) return { kind: 'say', text: HELP };
  return conversation.partnerChanged ? undefined : sendOrSay(sender, { mapping, number, body, confirmed: own !== undefined });
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
  { conversation, mapping }: Known,
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
  { place, sender, addressing, quotedMessageId, quotedNumber }: Written,
  { conversation, mapping: usual, own }: Known,
): Promise<Decision> {
  const { body } = addressing;
  const quoted = quotedMessageId === undefined ? undefined : await quotedMessage(tx, sender, place.conversationId, quotedMessageId);
  if (quoted) {
    const mapping = own ?? sender.mappings.find(({ sid }) => sid === quoted.mappingSid) ?? usual;
    return sendOrSay(sender, { mapping, number: quoted.number, body, confirmed: quoted.own || own !== undefined });
  }
  const number = conversation?.lastNumber;
  // An SMS that is no longer stored, or whose id in Teams was never learned; or what the bot said of one.
  const isFromAnother = quotedNumber !== undefined && quotedNumber !== number;
  if (!number && !isFromAnother) return { kind: 'say', text: HELP };
  if (number && !conversation.partnerChanged && !isFromAnother)
    return sendOrSay(sender, { mapping: usual, number, body, confirmed: own !== undefined });
  const problem = problemWith(sender, { number: '+999', body });
  if (problem) return { kind: 'say', text: problem };
  const choices = await wholeTextChoices(tx, sender, conversation, { mapping: usual, own: addressing.own, body, first: quotedNumber });
  return { kind: 'hold', mapping: usual, body, choices };
}

/** Asks about a text that begins with `from` and one of the user's numbers: the number to send from, or part of what the text says. */
async function perhapsFrom(tx: Transaction, written: Written, known: Known, sentence: string): Promise<Decision> {
  const { place, sender, addressing, quotedMessageId } = written;
  const { conversation, mapping } = known;
  const quoted = quotedMessageId === undefined ? undefined : await quotedMessage(tx, sender, place.conversationId, quotedMessageId);
  const usual = usualMapping(sender, conversation) as Mapping;
  const problem = problemWith(sender, { number: '+999', body: sentence });
  if (problem) return { kind: 'say', text: problem };
  const partners = await wholeTextChoices(tx, sender, conversation, {
    mapping: usual,
    own: undefined,
    body: sentence,
    first: quoted?.number,
  });
  if (partners.length === 0) return { kind: 'say', text: HELP };
  const choices = partners.flatMap((partner) => [{ ...partner, mappingSid: mapping.sid, body: addressing.body }, partner]);
  return {
    kind: 'hold',
    mapping,
    problem: perhapsNotFrom(mapping.externalAddress),
    body: sentence,
    choices: choices.slice(0, MAX_CHOICES),
  };
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
  conversation: TeamsConversation | null,
  { mapping, own, body, first }: Wanted,
): Promise<Choice[]> {
  const last: Partner[] = conversation?.lastNumber ? [{ number: conversation.lastNumber, mappingSid: mapping.sid }] : [];
  const offered = [...(first === undefined ? [] : [{ number: first, mappingSid: mapping.sid }]), ...last];
  const partners = [...offered.filter(({ number }) => canBeAnswered(number)), ...(await recentPartners(tx, mappings, MAX_CHOICES))];
  return distinct(partners.map((partner) => ({ number: partner.number, mappingSid: own ? mapping.sid : partner.mappingSid, body })));
}

const distinct = (choices: readonly Choice[]): Choice[] =>
  choices.filter(({ number, body }, index) => index === choices.findIndex((other) => other.number === number && other.body === body));
