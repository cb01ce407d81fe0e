import { Parser } from 'htmlparser2';
import { toE164 } from '../../../domain/values/phone-numbers.ts';
import { type Mention, mentionReader, oneLine, withoutAddressing } from './mentions.ts';

export interface ReadHtml {
  readonly text: string;
  readonly quotedMessageId?: string;
  readonly pictures: number;
  readonly videos: number;
  readonly audios: number;
  /** The addresses of the pictures that are emoji. */
  readonly emoji: readonly string[];
}

/** Deeper is no message, and would take the parser quadratic time. */
const MAX_DEPTH = 200;

const BLOCKS = new Set([
  ...[
    'address',
    'article',
    'aside',
    'blockquote',
    'caption',
    'codeblock',
    'dd',
    'details',
    'div',
    'dl',
    'dt',
    'figcaption',
    'figure',
    'footer',
  ],
  ...[
    'form',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'header',
    'hr',
    'li',
    'main',
    'nav',
    'ol',
    'p',
    'pre',
    'section',
    'summary',
    'table',
    'tbody',
  ],
  ...['tfoot', 'thead', 'tr', 'ul'],
]);
/** What is no text: programs, and what stands for another message or an attachment. */
const UNREAD = new Set(['attachment', 'customemoji', 'emoji', 'head', 'quote', 'quoted', 'script', 'style', 'template', 'title']);
/** Their short form, which HTML does not have: it would leave out all that follows. */
const UNREAD_CLOSED = /<(attachment|customemoji|emoji|quoted?)\b([^<>]*)\/>/gi;
const SCHEMA = /^https?:\/\/schema\.skype\.com\//i;

interface Link {
  readonly href: string;
  readonly texts: string[];
}

/**
 * Reads a message's HTML, in linear time.
 * @returns undefined where it is nested too deeply
 */
export function readHtml(html: string, mentions: readonly Mention[]): ReadHtml | undefined {
  const reader = new HtmlReader(mentions);
  const parser: Parser = new Parser({
    onopentag: (name, attributes) => {
      if (!reader.opened(name, attributes)) parser.pause();
    },
    onclosetag: (name) => reader.closed(name),
    ontext: (text) => reader.wrote(text),
  });
  parser.end(html.replace(UNREAD_CLOSED, '<$1$2></$1>'));
  return reader.result();
}

const isPreformatted = (name: string) => name === 'pre' || name === 'codeblock';

type Attributes = Record<string, string | undefined>;

/** What an element of Teams' own is: a Mention, Reply, Emoji. */
const kindOf = (itemtype = '') => (SCHEMA.test(itemtype) ? itemtype.replace(SCHEMA, '') : undefined);

/** Hears of a parser's tags and texts. */
class HtmlReader {
  readonly #lines = new Lines();
  readonly #mentionOf: ReturnType<typeof mentionReader>;
  readonly #lists: { ordered: boolean; next: number }[] = [];
  readonly #found = { quotedMessageId: undefined as string | undefined, pictures: 0, videos: 0, audios: 0, emoji: [] as string[] };
  #depth = 0;
  /** The depth of the element that is not read. */
  #unread: number | undefined;
  #mention: { readonly depth: number; readonly texts: string[] } | undefined;
  #link: Link | undefined;
  /** Whether it begins with the bot's own mention. */
  #isAddressed = false;

  constructor(mentions: readonly Mention[]) {
    this.#mentionOf = mentionReader(mentions);
  }

  /** @returns false where it is nested too deeply */
  opened(name: string, attributes: Attributes): boolean {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) return false;
    if (this.#unread === undefined && !this.#isUnread(name, attributes)) this.#open(name, attributes);
    return true;
  }

  closed(name: string): void {
    this.#depth -= 1;
    if (this.#unread === undefined) this.#close(name);
    else if (this.#depth < this.#unread) this.#unread = undefined;
  }

  wrote(text: string): void {
    if (this.#unread === undefined) this.#write(text);
  }

  result(): ReadHtml | undefined {
    if (this.#depth > MAX_DEPTH) return undefined;
    const text = this.#lines.text();
    return { ...this.#found, text: this.#isAddressed ? withoutAddressing(text) : text };
  }

  #write(text: string): void {
    if (this.#mention) this.#mention.texts.push(text);
    else {
      this.#link?.texts.push(text);
      this.#lines.write(text);
    }
  }

  #isUnread(name: string, attributes: Attributes): boolean {
    const { itemtype, itemid, messageid, alt, title } = attributes;
    const isReply = name === 'blockquote' && kindOf(itemtype) === 'Reply';
    if (!isReply && !UNREAD.has(name)) return false;
    if (isReply) this.#found.quotedMessageId ??= itemid;
    if (name === 'quoted' || name === 'quote') this.#found.quotedMessageId ??= messageid;
    if (name === 'emoji') this.#write(alt ?? title ?? '');
    // An organization's own, which has no character.
    if (name === 'customemoji') this.#write(`:${alt || title || 'emoji'}:`);
    this.#unread = this.#depth;
    return true;
  }

  #open(name: string, attributes: Attributes): void {
    if (name === 'at' || kindOf(attributes.itemtype) === 'Mention') this.#mention ??= { depth: this.#depth, texts: [] };
    else if (name === 'img') this.#openImage(attributes);
    else if (name === 'video') this.#found.videos += 1;
    else if (name === 'audio') this.#found.audios += 1;
    else if (name === 'a') this.#link = { href: attributes.href?.trim() ?? '', texts: [] };
    else if (name === 'br') this.#lines.end();
    else if (name === 'td' || name === 'th') this.#lines.openCell();
    else if (BLOCKS.has(name)) this.#openBlock(name, attributes);
  }

  #openImage({ itemtype, itemid, alt, title, src }: Attributes): void {
    if (kindOf(itemtype) !== 'Emoji') {
      this.#found.pictures += 1;
      return;
    }
    this.#write(alt || title || `:${itemid ?? 'emoji'}:`);
    this.#found.emoji.push(src ?? '');
  }

  #openBlock(name: string, { start, value }: Attributes): void {
    this.#lines.endBlock();
    if (name === 'ul' || name === 'ol') this.#lists.push({ ordered: name === 'ol', next: Number.parseInt(start ?? '', 10) || 1 });
    const list = this.#lists.at(-1);
    if (name === 'li' && list) list.next = Number.parseInt(value ?? '', 10) || list.next;
    if (name === 'li') this.#lines.openItem(itemPrefix(this.#lists));
    if (isPreformatted(name)) this.#lines.preformatted += 1;
  }

  #close(name: string): void {
    if (this.#mention && this.#depth < this.#mention.depth) this.#closeMention(this.#mention.texts.join(''));
    if (name === 'a' && this.#link) {
      const address = addressBeside(this.#link);
      this.#link = undefined;
      if (address) this.#lines.write(address);
    } else if (name === 'td' || name === 'th') this.#lines.closeCell();
    else if (BLOCKS.has(name)) {
      this.#lines.endBlock();
      if (name === 'ul' || name === 'ol') this.#lists.pop();
      if (name === 'li') this.#lines.openItem('');
      if (isPreformatted(name)) this.#lines.preformatted -= 1;
    }
  }

  #closeMention(inner: string): void {
    this.#mention = undefined;
    if (!this.#mentionOf(inner)?.own) {
      this.#write(inner);
      return;
    }
    this.#isAddressed ||= this.#lines.isBlank;
    this.#lines.skipSpace();
  }
}

/** `- ` or `1. `, indented in a list within a list. */
function itemPrefix(lists: readonly { ordered: boolean; next: number }[]): string {
  const list = lists.at(-1);
  const marker = list?.ordered ? `${list.next++}. ` : '- ';
  return '  '.repeat(Math.min(Math.max(lists.length - 1, 0), 4)) + marker;
}

/** What a phone can open. Clients leave out the scheme of what looks like an address. */
const ADDRESS = /^(?:(?:https?|mailto|tel|sms|smsto|callto|sips?|geo|ftps?|webcal|whatsapp|msteams):|\/\/[^/]|www\.)/i;
/** Schemes that are not part of what is dialled or written to. */
const UNSHOWN = /^(?:mailto|tel|sms|smsto|callto):/i;

/** What is to be written after a link's text: its address, unless that is what the text says. */
function addressBeside({ href, texts }: Link): string | undefined {
  if (!ADDRESS.test(href)) return undefined;
  const address = href.replace(UNSHOWN, '').replace(/^\/\//, '');
  const shown = oneLine(texts.join(''));
  if (shown === '') return address;
  const number = /^(?:tel|smsto?|callto):/i.test(href) ? toE164(href) : undefined;
  if (comparable(shown) === comparable(href) || (number && toE164(shown) === number)) return undefined;
  return ` (${address})`;
}

/** An address without what is left out where one is shown: its scheme, www, a last slash, escapes. */
function comparable(address: string): string {
  if (address.length > 2000) return address;
  return unescaped(address)
    .toLowerCase()
    .replace(/^(?:https?:\/\/|\/\/|mailto:)/, '')
    .replace(/^www\./, '')
    .replace(/\/$/, '');
}

function unescaped(address: string): string {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}

/** Lines that are written piece by piece, with white space as HTML has it: a run of it is one space, none at a line's beginning. */
class Lines {
  /** How many elements around keep white space as it is. */
  preformatted = 0;
  readonly #lines: string[] = [];
  #line: string[] = [];
  /** Whether the next space is one too many. */
  #spaced = true;
  #skipping = false;
  /** What precedes the line's first text. */
  #prefix = '';
  #cells = 0;
  #cellDepth = 0;

  write(text: string): void {
    if (this.preformatted > 0) {
      text.split(/\r\n?|\n/).forEach((line, index) => {
        if (index > 0) this.end();
        this.#append(line.replaceAll('\t', '  '));
      });
      return;
    }
    let collapsed = text.replace(/[ \t\r\n\f]+/g, ' ');
    if (this.#skipping) collapsed = this.#joined(collapsed);
    this.#skipping = false;
    this.#append(this.#spaced && collapsed.startsWith(' ') ? collapsed.slice(1) : collapsed);
  }

  /** What follows something that was left out, without a second space, or any space before a punctuation mark. */
  #joined(text: string): string {
    const before = this.#line.at(-1) ?? '';
    if (/^[,.;:!?](?:\s|$)/.test(text) && /[ \u00a0]$/.test(before)) {
      this.#line[this.#line.length - 1] = before.slice(0, -1);
      return text;
    }
    return before.endsWith('\u00a0') ? text.replace(/^[ \u00a0]/, '') : text.replace(/^\u00a0/, ' ');
  }

  get isBlank(): boolean {
    return [...this.#lines, ...this.#line].every((piece) => piece.trim() === '');
  }

  /** Leaves out one of the spaces between which something was left out, a non-breaking one, too. */
  skipSpace(): void {
    this.#skipping = true;
  }

  /** Ends the line; a line of a cell goes on. */
  end(): void {
    if (this.#cellDepth > 0) {
      this.write(' ');
      return;
    }
    this.#lines.push(this.#line.join('').trimEnd());
    this.#line = [];
    this.#spaced = true;
    this.#cells = 0;
  }

  /** Ends the line unless nothing is on it. */
  endBlock(): void {
    if (this.#line.length > 0) this.end();
  }

  openItem(prefix: string): void {
    this.#prefix = prefix;
  }

  openCell(): void {
    if (this.#cells > 0) this.#append(this.#spaced ? '| ' : ' | ');
    this.#cells += 1;
    this.#cellDepth += 1;
    this.#spaced = true;
  }

  closeCell(): void {
    this.#cellDepth -= 1;
  }

  text(): string {
    this.endBlock();
    return this.#lines.join('\n').trim();
  }

  #append(text: string): void {
    if (text === '') return;
    if (this.#prefix && text.trim() !== '') {
      this.#line.push(this.#prefix);
      this.#prefix = '';
    }
    this.#line.push(text);
    this.#spaced = text.endsWith(' ');
  }
}
