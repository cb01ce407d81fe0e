import { replaceUnstorable } from '../../../domain/values/text.ts';
import { type ReadHtml, readHtml } from './html-text.ts';
import { decoded, type Mention, mentionReader, mentionsOf, withoutAddressing } from './mentions.ts';
import { type Fields, hasFields, idOf, objectsOf, stringOf } from './parts.ts';

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
  /** The number that the quoted message names at its beginning, if it is what the bot shows or says of an SMS (`From +44…:`). */
  readonly quotedNumber?: string;
  /** Whether it mentions the bot. */
  readonly mentionsBot: boolean;
  /** What comes with the text and is none of it, one entry a kind. */
  readonly media: readonly Media[];
}

export interface Media {
  readonly kind: 'picture' | 'video' | 'audio' | 'file' | 'card' | 'message';
  readonly count: number;
}

/** What a Teams message says, as plain text for a phone. */
export function textOf(activity: TextActivity): ActivityText {
  const attachments = objectsOf(activity.attachments);
  const entities = objectsOf(activity.entities);
  const mentions = mentionsOf(entities, idOf(activity.recipient));
  const htmls = attachments.filter(isHtml).map(({ content }) => content as string);
  const shown = readAll(htmls, mentions);
  const written = stringOf(activity.text) ?? '';
  const said = MARKED_UP.has(stringOf(activity.textFormat)?.toLowerCase() ?? '') ? readHtml(written, mentions) : undefined;
  const plain = readPlain(written, mentions);
  // A reply whose HTML says nothing has nothing but the quoted message in `text`.
  const text = shown && (shown.text !== '' || shown.quotedMessageId !== undefined) ? shown.text : (said?.text ?? plain.text);
  const quoted = quotedIn(entities);
  const quotedMessageId = quoted?.id ?? shown?.quotedMessageId ?? plain.quotedMessageId ?? said?.quotedMessageId ?? referredTo(attachments);
  return {
    text,
    ...(quotedMessageId !== undefined && { quotedMessageId: replaceUnstorable(quotedMessageId) }),
    ...(quoted?.number !== undefined && { quotedNumber: quoted.number }),
    mentionsBot: mentions.some(({ own }) => own),
    media: mediaOf(attachments, shown, htmls.some(isForwarding)),
  };
}

/** Formats whose text is markup. The Bot Framework has `xml` alone; some clients write `html`. */
const MARKED_UP: ReadonlySet<string> = new Set(['xml', 'html']);

/** More is no message: Teams takes 28 KB of text. */
const MAX_HTML_LENGTH = 1_000_000;

const typeOf = ({ contentType }: Fields) => stringOf(contentType)?.split(';')[0]?.trim().toLowerCase();
const isHtml = (attachment: Fields) =>
  typeOf(attachment) === 'text/html' && typeof attachment.content === 'string' && attachment.content.length <= MAX_HTML_LENGTH;

/**
 * Reads a message's HTML. Teams sends one part; of several, each that says something else is read.
 * @returns undefined where there is none, or one is nested too deeply
 */
function readAll(htmls: readonly string[], mentions: readonly Mention[]): ReadHtml | undefined {
  const read = [...new Set(htmls)].map((html) => readHtml(html, mentions));
  if (read.length === 1) return read[0];
  const parts = read.flatMap((part) => part ?? []);
  if (parts.length === 0 || parts.length < read.length) return undefined;
  const texts = new Set(parts.map(({ text }) => text).filter((text) => text !== ''));
  const most = (count: (part: ReadHtml) => number) => Math.max(...parts.map(count));
  return {
    text: [...texts].join('\n'),
    quotedMessageId: parts.find(({ quotedMessageId }) => quotedMessageId !== undefined)?.quotedMessageId,
    pictures: most(({ pictures }) => pictures),
    videos: most(({ videos }) => videos),
    audios: most(({ audios }) => audios),
    emoji: parts.flatMap(({ emoji }) => emoji),
  };
}

function quotedIn(entities: readonly Fields[]): { id: string; number: string | undefined } | undefined {
  for (const { type, quotedReply } of entities) {
    if (type !== 'quotedReply' || !hasFields(quotedReply)) continue;
    const id = stringOf(quotedReply.messageId);
    if (id) return { id, number: SAID_OF.exec(stringOf(quotedReply.preview) ?? '')?.[1] };
  }
  return undefined;
}

/** How an SMS begins in Teams (notices/cards.ts), and what the bot says of one (notices/sentences.ts, failure-words.ts). */
const SAID_OF = /^(?:From|Sent to|Your SMS to) (\+?[0-9]{3,15})(?![0-9])/;

/**
 * The message that an attachment refers to, as Graph has it
 * (https://learn.microsoft.com/graph/api/resources/chatmessageattachment): its `id`, which the HTML names as well.
 */
function referredTo(attachments: readonly Fields[]): string | undefined {
  const reference = attachments.find((attachment) => typeOf(attachment) === 'messagereference');
  return reference && stringOf(reference.id);
}

// No "<" within, so that each is read once. A space after what is left out goes with it.
const AT = /( ?)<at(?:\s[^<>]{0,300})?>([^<>]{0,300})<\/at>(&nbsp;| ?)(?=([,.;:!?](?=\s|$))?)/gi;
const QUOTED = /<quoted\b((?:[^<>"']|"[^"<]{0,5000}"|'[^'<]{0,5000}'){0,5000}?)(?:\/>|>(?:[^<>]{0,5000}<\/quoted>)?) ?/gi;
/** What is left of a quoted message that quotes another one. */
const QUOTED_REST = /^[^<>]{0,5000}<\/quoted> ?/i;

function readPlain(written: string, mentions: readonly Mention[]): { text: string; quotedMessageId?: string } {
  let quotedMessageId: string | undefined;
  let isAddressed = false;
  const mentionOf = mentionReader(mentions);
  const text = written
    .replace(/\r\n?/g, '\n')
    .replace(QUOTED, (_tag, attributes: string) => {
      quotedMessageId ??= /\bmessageId\s*=\s*["']?([^"'\s/>]+)/i.exec(attributes)?.[1];
      return '';
    })
    .replace(QUOTED_REST, (rest) => (quotedMessageId === undefined ? rest : ''))
    .replace(AT, (tag, before: string, inner: string, after: string, mark: string | undefined, at: number, whole: string) => {
      const name = decoded(inner);
      const mention = mentionOf(name);
      // Without an entity, the user wrote it.
      if (!mention) return tag;
      if (!mention.own) return before + name + (after && ' ');
      isAddressed ||= whole.slice(0, at).trim() === '';
      return mark ? '' : before;
    });
  return { text: isAddressed ? withoutAddressing(text.trim()) : text.trim(), quotedMessageId };
}

/** Where Teams keeps the pictures of its emoji. */
const EMOJI_PICTURE = /^https:\/\/statics\.teams\.(?:cdn\.office\.net|microsoft\.com)\//i;
const NO_MEDIA = new Set(['text/html', 'text/plain', 'messagereference']);

/** A forwarded message that is part of the HTML. */
const isForwarding = (html: string) => /\bschema\.skype\.com\/Forward\b/i.test(html);

function mediaOf(attachments: readonly Fields[], html: ReadHtml | undefined, isForwardRead: boolean): Media[] {
  const counts = { picture: 0, video: 0, audio: 0, file: 0, card: 0, message: 0 };
  for (const attachment of attachments) {
    const type = typeOf(attachment);
    const url = stringOf(attachment.contentUrl);
    if (type === undefined ? !url && !stringOf(attachment.name) : NO_MEDIA.has(type)) continue;
    // An emoji that is in the text as its character comes as a picture, too.
    if (html && html.emoji.length > 0 && url && (html.emoji.includes(url) || EMOJI_PICTURE.test(url))) continue;
    const kind = kindOf(type ?? '', stringOf(attachment.name) ?? '');
    if (kind !== 'message' || !isForwardRead) counts[kind] += 1;
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

/** What a file's name says of it, for a type that says nothing. */
const EXTENSIONS = [
  ['picture', /\.(?:avif|bmp|gif|heic|heif|jpe?g|png|svg|tiff?|webp)$/i],
  ['video', /\.(?:avi|m4v|mkv|mov|mp4|mpe?g|webm|wmv)$/i],
  ['audio', /\.(?:aac|amr|flac|m4a|mp3|oga|ogg|opus|wav|wma)$/i],
] as const;

function kindOf(type: string, name: string): Media['kind'] {
  if (type === '' || type === 'application/octet-stream')
    return EXTENSIONS.find(([, extension]) => extension.test(name.trim()))?.[0] ?? 'file';
  if (type.startsWith('image/')) return 'picture';
  if (type.startsWith('video/')) return 'video';
  if (type.startsWith('audio/')) return 'audio';
  if (type === 'forwardedmessagereference') return 'message';
  return /\.card\b/.test(type) ? 'card' : 'file';
}
