import { Parser } from 'htmlparser2';
import { fold } from '../../../domain/values/text.ts';
import { type Fields, hasFields, idOf, stringOf } from './parts.ts';

/** Somebody who is mentioned, by the names that the text may have. */
export interface Mention {
  /** Folded. */
  readonly names: readonly string[];
  readonly own: boolean;
}

export function mentionsOf(entities: readonly Fields[], recipientId: string | undefined): Mention[] {
  return entities
    .filter(({ type }) => type === 'mention')
    .map(({ text, mentioned }) => {
      const tag = stringOf(text);
      const name = hasFields(mentioned) ? stringOf(mentioned.name) : undefined;
      const names = [...(tag ? [decoded(tag)] : []), ...(name ? [oneLine(name)] : [])];
      return { names: names.map(compared), own: isBot(idOf(mentioned), recipientId) };
    });
}

/** A bot's id is `28:` and its application's; people's begin with `29:`. In its own chat, a bot is this one unless the activity says otherwise. */
function isBot(id: string | undefined, recipientId: string | undefined): boolean {
  const application = (value: string) => value.replace(/^28:/, '').toLowerCase();
  if (id === undefined || recipientId === undefined) return id?.startsWith('28:') ?? false;
  return application(id) === application(recipientId);
}

/** Says of each mention in turn whose it is: of several with one name, the next. One entity may stand for all of its name. */
export function mentionReader(mentions: readonly Mention[]): (name: string) => Mention | undefined {
  const left = [...mentions];
  return (name) => {
    const isNamed = ({ names }: Mention) => names.includes(compared(name));
    const index = left.findIndex(isNamed);
    return index < 0 ? mentions.findLast(isNamed) : left.splice(index, 1)[0];
  };
}

/** Clients differ in the case of a name, and Microsoft's own SDKs ignore it (microsoft/BotFramework-Composer#3139). */
const compared = (name: string) => fold(oneLine(name));

/** A text that began with the bot's own mention, without what separated it from that: `@SMS, hi`. */
export const withoutAddressing = (text: string) => text.replace(/^[,:;]\s+/, '');

export const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

/** The text of a piece of markup. */
export function decoded(markup: string): string {
  const texts: string[] = [];
  new Parser({ ontext: (text) => texts.push(text) }).end(markup.slice(0, 1000));
  return oneLine(texts.join(''));
}
