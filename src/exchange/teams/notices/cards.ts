import type { OutgoingActivity } from '../../../platforms/microsoft/microsoft.ts';
import { excerpt, whoIsItFor } from './sentences.ts';

// Adaptive Cards that the bot shows. Version 1.4 has Action.Execute, and Teams' clients know it on desktops and phones. What people wrote is shown by
// RichTextBlocks, whose runs are never read as Markdown: clients differ in how they unescape it in TextBlocks (MicrosoftDocs/msteams-docs#5793,
// microsoft/AdaptiveCards#5590). Each line is a block of its own, since not every client breaks lines within a run (microsoft/AdaptiveCards#5538).
// https://adaptivecards.io/explorer/

export const CARD_TYPE = 'application/vnd.microsoft.card.adaptive';

/** What a card's buttons ask for; their data is read in card-actions.ts. */
type Verb = 'reply' | 'send' | 'sendTo' | 'discard' | 'retry';

export interface Card {
  readonly type: 'AdaptiveCard';
  readonly $schema: string;
  readonly version: '1.4';
  readonly body: readonly object[];
  readonly actions?: readonly object[];
}

/** Teams takes about 28 KB, counted in UTF-16: half as many characters. */
const MAX_ACTIVITY_LENGTH = 13_000;
const MAX_LINES = 60;
const MAX_TITLE_LENGTH = 60;
/** What Teams shows as a picture: https, PNG, JPEG or GIF. */
const PICTURE = /^https:\/\/[^?#]+\.(?:png|jpe?g|gif)(?:[?#]|$)/i;
/** A web address in a text, without the punctuation after it. */
const ADDRESS = /https?:\/\/[^\s<>"“”]+[^\s<>"“”.,;:!?)\]}'’]/gi;

/** An SMS as its Teams user sees it. */
export interface ShownSms {
  readonly sid: string;
  /** As it is answered. */
  readonly from: string;
  /** The user's number that it was sent to. */
  readonly own: string | undefined;
  readonly body: string;
  readonly mediaUrls: readonly string[];
  /** The longest answer, in characters; undefined if the sender cannot be answered. */
  readonly maxReply: number | undefined;
  /** What the user has answered on the card. */
  readonly replied?: string;
  /** Why what the user answered on the card cannot be sent. */
  readonly problem?: string;
}

/** Shows an SMS: who wrote, to which number, the text, its media, and a box to reply in. */
export function smsActivity(sms: ShownSms): OutgoingActivity {
  const { from, body, mediaUrls } = sms;
  const text = [`From ${from}:`, body, ...mediaUrls].filter((line) => line !== '').join('\n');
  const activity = { text, summary: `From ${from}: ${excerpt(body)}`, attachments: attached(smsCard(sms)) };
  if (isSendable(activity)) return activity;
  // The text shows it all.
  const brief = { ...activity, attachments: attached(smsCard({ ...sms, body: '', mediaUrls: [] })) };
  return isSendable(brief) ? brief : { text };
}

const isSendable = (activity: OutgoingActivity) => JSON.stringify(activity).length <= MAX_ACTIVITY_LENGTH;
const attached = (content: Card) => [{ contentType: CARD_TYPE, content }];

/** The card of `smsActivity`. */
export function smsCard({ sid, from, own, body, mediaUrls, maxReply, replied, problem }: ShownSms): Card {
  const head = [
    words(from, { weight: 'Bolder', size: 'Medium' }),
    ...(own === undefined ? [] : [words(`to your number ${own}`, { size: 'Small', isSubtle: true, spacing: 'None' })]),
  ];
  const answered = replied === undefined ? [] : [words('You replied:', { isSubtle: true, separator: true }), ...lines(replied)];
  const refused = problem === undefined ? [] : [words(problem, { color: 'Attention', separator: true })];
  if (maxReply === undefined)
    return card([...head, ...lines(body), ...media(mediaUrls), words('This sender cannot be answered.', { isSubtle: true })]);
  const reply = input('reply', `Reply to ${from}`, { isMultiline: true, maxLength: maxReply });
  return card([...head, ...lines(body), ...media(mediaUrls), ...answered, ...refused, reply], [button('reply', 'Send', { message: sid })]);
}

/** Asks the user whom a held text is for. */
interface Question {
  readonly body: string;
  readonly choices: readonly { readonly number: string; readonly mappingSid: string; readonly body: string }[];
  /** Why it is asked, if that is more than that nobody was named. */
  readonly problem?: string;
  /** The user's numbers by mapping; more than one are named on the buttons. */
  readonly ownNumbers: ReadonlyMap<string, string>;
  /** Why what the user answered on the card cannot be taken. */
  readonly refused?: string;
}

/** Asks whom a held text is for: by a button for each choice, a box for another number, and a button for nobody. */
export function questionActivity(held: string, question: Question): OutgoingActivity {
  const { body, problem } = question;
  const text = whoIsItFor(body, problem);
  return { text, summary: text, attachments: attached(questionCard(held, question)) };
}

/** The card of `questionActivity`. */
export function questionCard(held: string, { body, choices, problem, ownNumbers, refused }: Question): Card {
  const title = ({ number, body: sent, mappingSid }: Question['choices'][number]) =>
    [
      number,
      ...(sent === body ? [] : [`: ${excerpt(sent)}`]),
      ...(ownNumbers.size > 1 && ownNumbers.has(mappingSid) ? [` (from ${ownNumbers.get(mappingSid)})`] : []),
    ].join('');
  return card(
    [
      ...(refused === undefined ? [] : [words(refused, { color: 'Attention' })]),
      words('Not sent yet. Who is this for?', { weight: 'Bolder' }),
      ...(problem === undefined ? [] : lines(problem)),
      ...lines(body),
      input('number', 'Another number, as +44 20 7946 0958', { maxLength: 40, style: 'Tel' }),
    ],
    [
      ...choices.map((choice, index) => button('send', title(choice), { held, choice: index })),
      button('sendTo', 'Send to the number above', { held }),
      button('discard', 'Do not send', { held }),
    ],
  );
}

/** An SMS of the user's that was not delivered. */
interface FailedSms {
  readonly sid: string;
  /** What happened, with the recipient and the reason. */
  readonly text: string;
  readonly canRetry: boolean;
}

/** Says that an SMS was not delivered, with a button to send it again where that can help. */
export function failureActivity({ sid, text, canRetry }: FailedSms): OutgoingActivity {
  if (!canRetry) return { text, summary: text };
  return { text, summary: text, attachments: attached(card(lines(text), [button('retry', 'Send again', { message: sid })])) };
}

/** A card that says what became of what it asked. */
export const outcomeCard = (text: string): Card => card(lines(text));

const card = (body: readonly object[], actions?: readonly object[]): Card => ({
  type: 'AdaptiveCard',
  $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
  version: '1.4',
  body,
  ...(actions && { actions }),
});

/** The bot's own words: no Markdown in them. */
const words = (text: string, properties: object = {}) => {
  const { spacing, separator, ...run } = properties as Record<string, unknown>;
  return {
    type: 'RichTextBlock',
    ...(spacing !== undefined && { spacing }),
    ...(separator !== undefined && { separator }),
    inlines: [{ type: 'TextRun', text, ...run }],
  };
};

/** What people wrote, line by line, with its web addresses as links. */
function lines(text: string): object[] {
  if (text === '') return [];
  const all = text.split(/\r\n|[\n\r\u0085\u2028\u2029]/);
  const shown = all.length > MAX_LINES ? [...all.slice(0, MAX_LINES - 1), all.slice(MAX_LINES - 1).join('\n')] : all;
  return shown.map((line, index) => ({ type: 'RichTextBlock', spacing: index === 0 ? 'Small' : 'None', inlines: runs(line) }));
}

function runs(line: string): object[] {
  const found: object[] = [];
  let end = 0;
  for (const { 0: address, index } of line.matchAll(ADDRESS)) {
    if (index > end) found.push(run(line.slice(end, index)));
    found.push(URL.canParse(address) ? link(address) : run(address));
    end = index + address.length;
  }
  // A line without a character would have no height.
  if (end < line.length || found.length === 0) found.push(run(line.slice(end) || ' '));
  return found;
}

// Clients write dates where a text says {{DATE(…)}}; no text of people's means that.
const run = (text: string) => ({ type: 'TextRun', text: text.replace(/\{(?=\{)/g, '{\u200b') });
const link = (url: string) => ({ type: 'TextRun', text: url, color: 'Accent', selectAction: { type: 'Action.OpenUrl', url } });

const media = (urls: readonly string[]): object[] =>
  urls.flatMap((url, index) => {
    const selectAction = { type: 'Action.OpenUrl', url };
    const picture = { type: 'Image', url, altText: `Picture ${index + 1}`, size: 'Large', selectAction };
    return [...(PICTURE.test(url) ? [picture] : []), { type: 'RichTextBlock', spacing: 'Small', inlines: [link(url)] }];
  });

const input = (id: string, placeholder: string, properties: object) => ({ type: 'Input.Text', id, placeholder, ...properties });

/** A button. Clients without Action.Execute send its data as a message. */
function button(verb: Verb, title: string, data: object) {
  const shown = Array.from(title);
  const short = shown.length > MAX_TITLE_LENGTH ? `${shown.slice(0, MAX_TITLE_LENGTH - 1).join('')}…` : title;
  return {
    type: 'Action.Execute',
    title: short,
    verb,
    data,
    fallback: { type: 'Action.Submit', title: short, data: { verb, ...data } },
  };
}
