import type { Media } from '../reading/activity-text.ts';

// What the bot says in a chat. Plain words, for people who know nothing of gateways.

export const HELP = 'Write "+<number> <text>" to send an SMS. A text without a number goes to the number you last exchanged messages with.';
export const NO_NUMBER = 'You have no SMS number yet. Ask your administrator for one.';
export const NOT_IN_GROUPS = 'I send SMS from our own chat only. Open a chat with me and write there; nothing was sent.';
export const UNCHANGEABLE = 'An SMS that was sent can be neither changed nor taken back. If you want to correct it, send another one.';
export const CHANGE_NOT_SENT = `Your change was not sent. ${UNCHANGEABLE}`;
export const REFUSED_CHANGE = 'Your change was not sent. To send the text as it is now, write it again.';
export const HELD_AS_WRITTEN =
  'This text waits as you first wrote it. To send it as it is now, choose "Do not send" on its card and write it again.';
export const CHOOSE_ON_CARD = 'Several of your texts wait for a number. Choose it on the card of each.';
export const WAITS_TOO = 'This text waits, too: it goes where the one before goes. Choose above.';
export const ALREADY_SENT = 'This text was sent already.';
export const ALREADY_ENDED = 'This text is no longer kept, and was not sent. Write it again.';
export const NOT_YOURS = 'This number is no longer yours, so you cannot send from it.';
export const SENT_AGAIN = 'Sending it again.';
export const CANNOT_RETRY = 'It was sent meanwhile, or sending it again does not help.';
export const UNKNOWN_ACTION = 'I do not know this button. It may be of an older card.';
export const EMPTY_REPLY = 'Write a text first. Nothing was sent.';

export const notYourNumber = (own: string) => `${own} is not one of your numbers.`;
export const perhapsNotFrom = (own: string) =>
  `I cannot tell whether to send this from ${own}, or whether that is part of your text. Write a colon after the number to send from it.`;
export const notANumber = (written: string) =>
  `I cannot read "${written}" as a phone number. Write it with its country code, as in +44 20 7946 0958.`;
export const cannotAnswerName = (name: string) =>
  `${name} is a name, not a number: such senders cannot be answered. Write "+<number> <text>" to send an SMS to somebody else.`;
export const cannotAnswer = (number: string) => `${number} cannot be answered: it is not a phone number. ${HELP}`;
/** @param excess as of smsExcess */
export const tooLong = (excess: string) => `Your text ${excess}. Nothing was sent.`;
export const sentTo = (number: string, own?: string) => (own ? `Sent to ${number} from ${own}.` : `Sent to ${number}.`);
export const repliedTo = (number: string, text: string) => `Sent to ${number}:\n${text}`;
/** @param behind the texts that waited behind the one that was dropped */
export const dropped = (behind: readonly string[]) =>
  behind.length === 0 ? 'Not sent.' : `Not sent, and neither is what waited behind it: ${behind.map(excerpt).join(', ')}`;
export const expired = (body: string) => `Not sent, since you did not choose a number within a day: ${excerpt(body)}`;
export const whoIsItFor = (body: string, problem?: string) =>
  `${problem ? `${problem} ` : ''}Who is this for? ${excerpt(body)} Nothing was sent yet. Choose below, or write the number alone.`;
export const notRead = (written: string) => `I cannot tell which number "${written}" is.`;

/**
 * Greets a user who is new to the bot, in German or English.
 * @param numbers the user's own
 * @param locale as Teams names it, e.g. `de-DE`
 */
export function welcome(numbers: readonly string[], locale: string | undefined): string {
  const list = numbers.join(', ');
  if (/^de\b/i.test(locale ?? '')) {
    return `Willkommen! ${numbers.length > 1 ? 'Ihre SMS-Nummern sind' : 'Ihre SMS-Nummer ist'} ${list}. Schreiben Sie „+<Nummer> <Text>“, um eine SMS zu senden. Ein Text ohne Nummer geht an die Nummer, mit der Sie zuletzt Nachrichten ausgetauscht haben.`;
  }
  return `Welcome! Your SMS ${numbers.length > 1 ? 'numbers are' : 'number is'} ${list}. ${HELP}`;
}

const NAMES: Record<Media['kind'], [string, string]> = {
  picture: ['picture', 'pictures'],
  video: ['video', 'videos'],
  audio: ['recording', 'recordings'],
  file: ['file', 'files'],
  card: ['card', 'cards'],
  message: ['forwarded message', 'forwarded messages'],
};

/** Says that what came with a text is not part of the SMS. @param textToo whether the text itself goes */
export function mediaNotSent(media: readonly Media[], textToo: boolean): string {
  const parts = media.map(({ kind, count }) => (count === 1 ? `the ${NAMES[kind][0]}` : `the ${count} ${NAMES[kind][1]}`));
  const list = parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : parts[0];
  const kind = media.length === 1 ? NAMES[(media[0] as Media).kind][1] : 'files';
  const isOne = media.length === 1 && media[0]?.count === 1;
  return textToo
    ? `SMS cannot carry ${kind} yet: your text goes without ${list}.`
    : `SMS cannot carry ${kind} yet, so ${list} ${isOne ? 'was' : 'were'} not sent.`;
}

const EXCERPT_LENGTH = 120;

/** The beginning of a text, in quotes. */
export function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const characters = Array.from(line);
  return `“${characters.length > EXCERPT_LENGTH ? `${characters.slice(0, EXCERPT_LENGTH - 1).join('')}…` : line}”`;
}
