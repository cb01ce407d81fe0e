import { Parser } from 'htmlparser2';
import { toE164 } from '../../domain/phone-numbers.ts';

// What Teams shows of a message is what the phone gets. An activity says it twice:
//
// - `attachments` has it as HTML (`text/html`), with its lines, lists, links and emoji. Special characters are escaped, once. Sources:
//   MicrosoftDocs/msteams-docs#3960; NousResearch/hermes-agent#100699, openclaw/openclaw#57366 (an emoji is a picture with the character as `alt`).
// - `text` has its words, without lines and links. With `textFormat` `plain`, which is what Teams sends, nothing is escaped: "text <data>" stands next
//   to HTML with "text &lt;data&gt;" (MicrosoftDocs/OfficeDocs-SkypeForBusiness#4723), so that "&lt;" there is what the user typed. `xml` is escaped.
//
// So the HTML is read where there is some, and `text` else. `text` marks mentions as <at>Name</at> and quoted messages as <quoted messageId="…"/>
// (microsoft/teams.py#321), whatever its format; in HTML they are a span and a blockquote (microsoft/teams.ts#833, openclaw/openclaw#101856).

/** The part of an activity that says what was written. Parts of another type than these are ignored. */
export interface TextActivity {
  readonly text?: unknown;
  readonly textFormat?: unknown;
  readonly attachments?: unknown;
  readonly entities?: unknown;
  readonly recipient?: unknown;
}

interface ActivityText {
  /** Plain text without Teams' markup; lines end with `\n`. Empty where nothing was written. */
  readonly text: string;
  /** The activity id of the message that this one quotes. */
  readonly quotedMessageId?: string;
  /** Whether it mentions the bot. */
  readonly mentionsBot: boolean;
  /** What comes with the text and is none of it, one entry a kind. */
  readonly media: readonly Media[];
}

export interface Media {
  readonly kind: 'picture' | 'video' | 'audio' | 'file' | 'card';
  readonly count: number;
}

/** What a Teams message says, as plain text for a phone. */
export function textOf(activity: TextActivity): ActivityText {
  const attachments = objectsOf(activity.attachments);
  const entities = objectsOf(activity.entities);
  const mentions = mentionsOf(entities, idOf(activity.recipient));
  const html = attachments.find(isHtml)?.content as string | undefined;
  const shown = html === undefined ? undefined : readHtml(html, mentions);
  const written = stringOf(activity.text) ?? '';
  const said = activity.textFormat === 'xml' ? readHtml(written, mentions) : undefined;
  const plain = readPlain(written, mentions);
  // A reply whose HTML says nothing has nothing but the quoted message in `text`.
  const text = shown && (shown.text !== '' || shown.quotedMessageId !== undefined) ? shown.text : (said?.text ?? plain.text);
  const quotedMessageId = quotedIn(entities) ?? shown?.quotedMessageId ?? plain.quotedMessageId ?? said?.quotedMessageId;
  return {
    text,
    ...(quotedMessageId !== undefined && { quotedMessageId }),
    mentionsBot: mentions.some(({ own }) => own),
    media: mediaOf(attachments, shown),
  };
}

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const objectsOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : []);
const stringOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
const idOf = (value: unknown) => (isObject(value) ? stringOf(value.id) : undefined);

/** More is no message: Teams takes 28 KB of text. */
const MAX_HTML_LENGTH = 1_000_000;

const typeOf = ({ contentType }: Fields) => stringOf(contentType)?.split(';')[0]?.trim().toLowerCase();
const isHtml = (attachment: Fields) =>
  typeOf(attachment) === 'text/html' && typeof attachment.content === 'string' && attachment.content.length <= MAX_HTML_LENGTH;

/** Somebody who is mentioned, by the names that the text may have. */
interface Mention {
  readonly names: readonly string[];
  readonly own: boolean;
}

function mentionsOf(entities: readonly Fields[], recipientId: string | undefined): Mention[] {
  return entities
    .filter(({ type }) => type === 'mention')
    .map(({ text, mentioned }) => {
      const tag = stringOf(text);
      const name = isObject(mentioned) ? stringOf(mentioned.name) : undefined;
      const names = [...(tag ? [decoded(tag)] : []), ...(name ? [oneLine(name)] : [])];
      return { names, own: isBot(idOf(mentioned), recipientId) };
    });
}

/** A bot's id is `28:` and its application's; people's begin with `29:`. */
function isBot(id: string | undefined, recipientId: string | undefined): boolean {
  const application = (value: string) => value.replace(/^28:/, '').toLowerCase();
  return id !== undefined && recipientId !== undefined && application(id) === application(recipientId);
}

/** Says of each mention in turn whose it is: of several with one name, the next. */
function mentionReader(mentions: readonly Mention[]): (name: string) => Mention | undefined {
  const left = [...mentions];
  return (name) => {
    const index = left.findIndex(({ names }) => names.includes(oneLine(name)));
    return index < 0 ? undefined : left.splice(index, 1)[0];
  };
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

/** The text of a piece of markup. */
function decoded(markup: string): string {
  const texts: string[] = [];
  new Parser({ ontext: (text) => texts.push(text) }).end(markup.slice(0, 1000));
  return oneLine(texts.join(''));
}

function quotedIn(entities: readonly Fields[]): string | undefined {
  for (const { type, quotedReply } of entities) {
    const id = type === 'quotedReply' && isObject(quotedReply) ? stringOf(quotedReply.messageId) : undefined;
    if (id) return id;
  }
  return undefined;
}

// No "<" within, so that each is read once. A space after what is left out goes with it.
const AT = /( ?)<at(?:\s[^<>]{0,300})?>([^<>]{0,300})<\/at>(&nbsp;| ?)/gi;
const QUOTED = /<quoted\b([^<>]{0,500})>(?:<\/quoted>)? ?/gi;

function readPlain(written: string, mentions: readonly Mention[]): { text: string; quotedMessageId?: string } {
  let quotedMessageId: string | undefined;
  const mentionOf = mentionReader(mentions);
  const text = written
    .replace(/\r\n?/g, '\n')
    .replace(QUOTED, (_tag, attributes: string) => {
      quotedMessageId ??= /\bmessageId\s*=\s*["']?([^"'\s/>]+)/i.exec(attributes)?.[1];
      return '';
    })
    .replace(AT, (tag, before: string, inner: string, after: string) => {
      const name = decoded(inner);
      const mention = mentionOf(name);
      // Without an entity, the user wrote it.
      if (!mention) return tag;
      return mention.own ? before : before + name + (after && ' ');
    });
  return { text: text.trim(), quotedMessageId };
}

interface ReadHtml {
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
const SCHEMA = 'http://schema.skype.com/';

interface Link {
  readonly href: string;
  readonly texts: string[];
}

/**
 * Reads a message's HTML, in linear time.
 * @returns undefined where it is nested too deeply
 */
function readHtml(html: string, mentions: readonly Mention[]): ReadHtml | undefined {
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
  parser.end(html);
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

/** Where Teams keeps the pictures of its emoji. */
const EMOJI_PICTURE = /^https:\/\/statics\.teams\.(?:cdn\.office\.net|microsoft\.com)\//i;
const NO_MEDIA = new Set(['text/html', 'text/plain', 'messagereference', 'forwardedmessagereference']);

function mediaOf(attachments: readonly Fields[], html: ReadHtml | undefined): Media[] {
  const counts = { picture: 0, video: 0, audio: 0, file: 0, card: 0 };
  for (const attachment of attachments) {
    const type = typeOf(attachment);
    const url = stringOf(attachment.contentUrl);
    if (type === undefined ? !url : NO_MEDIA.has(type)) continue;
    // An emoji that is in the text as its character comes as a picture, too.
    if (html && html.emoji.length > 0 && url && (html.emoji.includes(url) || EMOJI_PICTURE.test(url))) continue;
    counts[kindOf(type ?? '')] += 1;
  }
  // What only the HTML shows, pasted from elsewhere for instance.
  if (html) {
    counts.picture = Math.max(counts.picture, html.pictures);
    counts.video = Math.max(counts.video, html.videos);
    counts.audio = Math.max(counts.audio, html.audios);
  }
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => ({ kind: kind as Media['kind'], count }));
}

function kindOf(type: string): Media['kind'] {
  if (type.startsWith('image/')) return 'picture';
  if (type.startsWith('video/')) return 'video';
  if (type.startsWith('audio/')) return 'audio';
  return /\.card\b/.test(type) ? 'card' : 'file';
}
