import { Parser } from 'htmlparser2';
import { toE164 } from '../../domain/phone-numbers.ts';
import { type Mention, mentionReader, oneLine } from './mentions.ts';

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

const BLOCKS = new Set(
  'address article aside blockquote codeblock dd details div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre section table tbody tfoot thead tr ul li'.split(
    ' ',
  ),
);
/** What is no text: programs, and what stands for another message or an attachment. */
const UNREAD = new Set(['attachment', 'emoji', 'head', 'quote', 'quoted', 'script', 'style', 'template', 'title']);
/** Their short form, which HTML does not have: it would leave out all that follows. */
const UNREAD_CLOSED = /<(attachment|emoji|quoted?)\b([^<>]*)\/>/gi;
const SCHEMA = 'http://schema.skype.com/';

interface Link {
  readonly href: string;
  readonly texts: string[];
}

/**
 * Reads a message's HTML, in linear time.
 * @returns undefined where it is nested too deeply
 */
export function readHtml(html: string, mentions: readonly Mention[]): ReadHtml | undefined {
  const lines = new Lines();
  const mentionOf = mentionReader(mentions);
  const read = { quotedMessageId: undefined as string | undefined, pictures: 0, videos: 0, audios: 0, emoji: [] as string[] };
  const lists: { ordered: boolean; next: number }[] = [];
  let depth = 0;
  /** The depth of the element that is not read, and of a mention. */
  let unread: number | undefined;
  let mention: { depth: number; texts: string[] } | undefined;
  let link: Link | undefined;

  const write = (text: string) => {
    if (mention) mention.texts.push(text);
    else {
      link?.texts.push(text);
      lines.write(text);
    }
  };

  const open = (name: string, attributes: Record<string, string | undefined>) => {
    const { itemtype = '', itemid } = attributes;
    if (name === 'blockquote' && itemtype === `${SCHEMA}Reply`) {
      read.quotedMessageId ??= itemid;
      unread = depth;
    } else if (UNREAD.has(name)) {
      if (name === 'quoted' || name === 'quote') read.quotedMessageId ??= attributes.messageid;
      if (name === 'emoji') write(attributes.alt ?? attributes.title ?? '');
      unread = depth;
    } else if (name === 'at' || itemtype === `${SCHEMA}Mention`) {
      mention ??= { depth, texts: [] };
    } else if (name === 'img') {
      if (itemtype === `${SCHEMA}Emoji`) {
        write(attributes.alt || attributes.title || `:${itemid ?? 'emoji'}:`);
        read.emoji.push(attributes.src ?? '');
      } else read.pictures += 1;
    } else if (name === 'video') read.videos += 1;
    else if (name === 'audio') read.audios += 1;
    else if (name === 'a') link = { href: attributes.href?.trim() ?? '', texts: [] };
    else if (name === 'br') lines.end();
    else if (name === 'td' || name === 'th') lines.openCell();
    else if (BLOCKS.has(name)) {
      lines.endBlock();
      if (name === 'ul' || name === 'ol') lists.push({ ordered: name === 'ol', next: Number.parseInt(attributes.start ?? '', 10) || 1 });
      if (name === 'li') lines.openItem(itemPrefix(lists));
      if (name === 'pre') lines.preformatted += 1;
    }
  };

  const close = (name: string) => {
    if (mention && depth < mention.depth) {
      const inner = mention.texts.join('');
      mention = undefined;
      const mentioned = mentionOf(inner);
      if (mentioned?.own) lines.skipSpace();
      else write(inner);
    }
    if (name === 'a' && link) {
      const address = addressBeside(link);
      link = undefined;
      if (address) lines.write(address);
    } else if (name === 'td' || name === 'th') lines.closeCell();
    else if (BLOCKS.has(name)) {
      lines.endBlock();
      if (name === 'ul' || name === 'ol') lists.pop();
      if (name === 'li') lines.openItem('');
      if (name === 'pre') lines.preformatted -= 1;
    }
  };

  const parser: Parser = new Parser({
    onopentag(name, attributes) {
      depth += 1;
      if (depth > MAX_DEPTH) parser.pause();
      else if (unread === undefined) open(name, attributes);
    },
    onclosetag(name) {
      depth -= 1;
      if (unread === undefined) close(name);
      else if (depth < unread) unread = undefined;
    },
    ontext(text) {
      if (unread === undefined) write(text);
    },
  });
  parser.end(html.replace(UNREAD_CLOSED, '<$1$2></$1>'));
  return depth > MAX_DEPTH ? undefined : { ...read, text: lines.text() };
}

/** `- ` or `1. `, indented in a list within a list. */
function itemPrefix(lists: readonly { ordered: boolean; next: number }[]): string {
  const list = lists.at(-1);
  const marker = list?.ordered ? `${list.next++}. ` : '- ';
  return '  '.repeat(Math.min(Math.max(lists.length - 1, 0), 4)) + marker;
}

/** What a phone can open. */
const ADDRESS = /^(?:https?|mailto|tel|sms|ftp|msteams):/i;

/** What is to be written after a link's text: its address, unless that is what the text says. */
function addressBeside({ href, texts }: Link): string | undefined {
  if (!ADDRESS.test(href)) return undefined;
  const address = href.replace(/^(?:mailto|tel|sms):/i, '');
  const shown = oneLine(texts.join(''));
  if (shown === '') return address;
  const number = /^(?:tel|sms):/i.test(href) ? toE164(href) : undefined;
  if (comparable(shown) === comparable(href) || (number && toE164(shown) === number)) return undefined;
  return ` (${address})`;
}

/** An address without what is left out where one is shown: its scheme, www, a last slash, escapes. */
function comparable(address: string): string {
  if (address.length > 2000) return address;
  return unescaped(address)
    .toLowerCase()
    .replace(/^(?:https?:\/\/|mailto:)/, '')
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
    if (this.#skipping) collapsed = collapsed.replace(/^\u00a0/, ' ');
    this.#skipping = false;
    this.#append(this.#spaced && collapsed.startsWith(' ') ? collapsed.slice(1) : collapsed);
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
