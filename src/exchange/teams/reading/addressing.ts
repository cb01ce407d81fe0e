import { isNationalSpelling, possibleNumber, readDigits, regionOf, toE164 } from '../../../domain/values/phone-numbers.ts';
import { isDate } from './dates.ts';
import { type DigitRun, digitsOf, findRun, type Group } from './digit-runs.ts';
import { type Head, headOf, matchAt } from './head.ts';
import { isOrdinary } from './ordinary.ts';

// How the beginning of a Teams text says for whom it is: `[from <own number>] [<number>] <text>`, in German with `von`.
//
// A number ends where it is valid, not at the first white space, so it may be written as people write it. Its digits stand in groups. It may end
// after a group that white space, punctuation or the text's end follows; never within a group, and never where a hyphen, dot or slash joins the next
// group. Read up to each of these ends, the digits are a number or not:
//
// - One end gives a number: it is addressed to that number.
// - Several do (+49 30 1234567 5 …: plans of variable length): the user is asked. A comma, colon, line break or closing bracket after the number
//   leaves one.
// - None does: the user is asked where the text begins with a plus and a digit, or with more than six digits, unless these are an amount, a date or
//   what a sentence is about (ordinary.ts). Otherwise it has no number.
//
// Without a plus or 00, only digits that the own number's region writes so are a number, and only where little else looks like them: nine digits or
// more with the region's 0 (0170 1234567); with another prefix in groups (1 650 253 0000); without one ten digits or more, grouped as there
// (650-253-0000). Dates and times of day are none. Other readings are offered, not taken.
//
// What stands next to a number that is read, brackets, quotes, a mark or two before it and punctuation after it, is not part of the text.

/** A text's number and what follows it. */
interface Reading {
  /** E.164. */
  readonly number: string;
  readonly body: string;
}

/** What a text says of whom it is from and for. `own`: by which of the user's numbers, E.164 where it is readable. */
export type Addressing =
  /** No number: for the last partner. `sentence`: the whole text, present if `own` may be part of what it says. */
  | { readonly kind: 'none'; readonly own?: string; readonly body: string; readonly sentence?: string }
  /** `number`: E.164; `written`: as the text has it. */
  | {
      readonly kind: 'target';
      readonly own?: string;
      readonly target: { readonly number: string; readonly written: string };
      readonly body: string;
    }
  /** To be asked: `written` is what looks like a number, `readings` what it may be, `body` all of it. */
  | {
      readonly kind: 'unclear';
      readonly own?: string;
      readonly written: string;
      readonly readings: readonly Reading[];
      readonly body: string;
    };

interface AddressingOptions {
  /** The region of national numbers, as of `regionOf` the own number. */
  readonly region?: string;
  /** The user's numbers. One of them after `from` is recognised in any spelling. */
  readonly ownNumbers?: readonly string[];
}

/**
 * Reads whom a Teams text is for.
 * @param written plain text, as of `textOf`
 */
export function readAddressing(written: string, { region, ownNumbers = [] }: AddressingOptions = {}): Addressing {
  const text = trimmed(written);
  const from = readOwn(text, region, ownNumbers);
  if (!from) return readTarget(text, region);
  const read = readTarget(from.rest, regionOf(from.own) ?? region);
  const isDoubtful = read.kind === 'none' && read.body !== '' && !from.separated;
  return { ...read, own: from.own, ...(isDoubtful && { sentence: text }) };
}

/** A number that a run's first groups are. */
interface Candidate {
  readonly number: string;
  readonly certain: boolean;
  /** Its last group's index. */
  readonly last: number;
}

/** The numbers that end where a number may end. */
function candidates(head: Head, run: DigitRun, region: string | undefined): Candidate[] {
  const found: Candidate[] = [];
  run.groups.forEach((_group, last) => {
    if (mayEnd(head, run, last)) found.push(...readUpTo(run, last, region));
  });
  // A bracket that was opened before the number and is closed after it holds the number.
  const closing = closingGroup(run);
  const held = found.filter(({ last, certain }) => last === closing && certain);
  return held.length > 0 ? held : found;
}

function readUpTo(run: DigitRun, last: number, region: string | undefined): Candidate[] {
  const groups = run.groups.slice(0, last + 1).map(({ digits }) => digits);
  const zero = bracketedZero(run);
  // +44 (0)20 is one number with and without its 0; +39 (0)341 may be two.
  const spellings = [groups, ...(zero > 0 && zero < last ? [groups.toSpliced(zero, 1)] : [])];
  return spellings.flatMap((spelling) =>
    readDigits(spelling.join(''), run.plus, region).map((each) => ({ number: each.number, last, certain: isCertain(run, spelling, each) })),
  );
}

function isCertain(
  { plus, decoration }: DigitRun,
  groups: readonly string[],
  { number, certain }: { number: string; certain: boolean },
): boolean {
  const digits = groups.join('');
  if (plus) return certain && decoration <= 2;
  if (decoration > 0 || groups.every((group) => TIME.test(group))) return false;
  if (digits.startsWith('00')) return certain;
  if (certain) return digits.length >= 9 && (digits.startsWith('0') || groups.length > 1);
  // A hotline's (0800 1234567) is what a text is about.
  if (digits.startsWith('0')) return false;
  // Without a prefix: as the region writes it, and not as a list of short numbers.
  return digits.length >= 10 && groups.length > 1 && isNationalSpelling(number, groups);
}

/** Half past eight, as 0830. */
const TIME = /^(?:[01][0-9]|2[0-3])[0-5][0-9]$/;

/** The group that is the (0) of +44 (0)20; -1 where there is none. */
const bracketedZero = ({ groups }: DigitRun) =>
  groups.findIndex(
    ({ digits, gap }, index) => digits === '0' && /[([] *$/.test(groups[index - 1]?.gap ?? '') && /^ *[)\]]/.test(gap ?? ''),
  );

/** The group after which a bracket closes that was opened before the run's plus or first digit; -1 where none does. */
function closingGroup({ before, groups }: DigitRun): number {
  const opened = (before.match(/[([]/g) ?? []).length;
  let depth = opened;
  return groups.findIndex(({ gap = '' }) => {
    for (const character of gap) {
      if (character === '(' || character === '[') depth += 1;
      if ((character === ')' || character === ']') && depth-- === opened && opened > 0) return true;
    }
    return false;
  });
}

// ",,12" is dialled after the call is answered.
const EXTENSION = /\s*(?:x|ext\.?|extension|#|;ext=|,{2,})\s*[0-9]|\?[a-z]+=/iy;
// Punctuation, unless it joins another digit; a letter of a script that is written without spaces; a picture.
const AFTER =
  /$|\s|[)\]}>"`*_«»“”‘‹›([{<]|['’](?!\p{L})|[-,;:.!?…|~=/•](?![0-9])|(?![\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])[\p{L}\p{So}]/uy;

/** Whether a number may end after this group. */
function mayEnd({ plain }: Head, { groups }: DigitRun, index: number): boolean {
  const { end, gap } = groups[index] as Group;
  if (gap !== undefined) return gap.includes(' ');
  return matchAt(AFTER, plain, end) !== null && matchAt(EXTENSION, plain, end) === null;
}

/** A number as the text has it, from its plus, first digit or the bracket around its first digits on. */
function writtenUpTo({ text, plain, starts, ends }: Head, run: DigitRun, last: number): string {
  const closes = closingGroup(run);
  const bracket = closes >= 0 && closes < last ? plain.slice(0, run.start).search(/[([][^([]*$/) : -1;
  return text.slice(starts[bracket < 0 ? run.start : bracket], ends[(run.groups[last] as Group).end - 1]);
}

function readTarget(text: string, region: string | undefined): Addressing {
  const none = { kind: 'none', body: text } as const;
  const head = headOf(text);
  const run = findRun(head, 0);
  if (!run || (!run.plus && isDate(head.plain.slice(run.start)))) return readLabelled(head, region) ?? none;
  const found = distinct(candidates(head, run, region));
  const certain = found.filter((candidate) => candidate.certain);
  const [only] = certain;
  const written = (last: number) => writtenUpTo(head, run, last);
  if (only && found.every(({ last, number }) => last === only.last && number === only.number)) {
    const body = bodyAfter(head, run, only.last);
    if (!beginsWithNumber(body, region)) return { kind: 'target', target: { number: only.number, written: written(only.last) }, body };
  }
  const isSome = run.plus || digitsOf(run).length > 6;
  if (!isSome || (found.length === 0 && isOrdinary(partsOf(head, run)))) return readLabelled(head, region) ?? none;
  return unclear(head, run, found.length > 0 ? found : guesses(run, region));
}

function partsOf({ plain }: Head, { plus, groups }: DigitRun): Parameters<typeof isOrdinary>[0] {
  const gaps = groups.flatMap(({ gap }) => (gap === undefined ? [] : [gap]));
  return { plus, groups: groups.map(({ digits }) => digits), gaps, after: plain.slice(groups.at(-1)?.end) };
}

function unclear(head: Head, run: DigitRun, found: readonly Candidate[]): Extract<Addressing, { kind: 'unclear' }> {
  const readings = found.map(({ number, last }) => ({ number, body: bodyAfter(head, run, last) }));
  return { kind: 'unclear', written: writtenUpTo(head, run, run.groups.length - 1), readings, body: head.text };
}

/** What people say before a number that they write to, in some languages; with `sms` or the like before it. Any may begin a sentence, too. */
const TOWARDS = 'sms|text|send|schicke?|sende|an|für|to|for|à|a|pour|para|per|aan|naar|voor|til|till|для|给';

/** `Tel: `, as on a business card. Without the space, `tel:` is part of the number's URI. */
const TELEPHONE = /tel(?:\.:?|:)?(?= )/i;

/** `WhatsApp: +44 …`, `1) +44 …`, `an +49 …`: the number may be whom the text is for, or be what it says. */
const LABEL = new RegExp(
  [
    /[^\p{L}\p{N}+\n]{0,12}?/u.source,
    `(?:${[/\p{L}[\p{L}\p{M}.]{0,19}:/u.source, TELEPHONE.source, /[0-9]{1,2}(?:[.)](?= )|\u20e3)/u.source, `(?:(?:${TOWARDS})(?: ?:)?(?: |(?=[+(]))){1,3}(?=[+(0])`].join('|')})`,
  ].join(''),
  'iuy',
);

function readLabelled(head: Head, region: string | undefined): Extract<Addressing, { kind: 'unclear' }> | undefined {
  const label = matchAt(LABEL, head.plain, 0);
  const run = label && findRun(head, label[0].length);
  if (!run) return undefined;
  const found = distinct(candidates(head, run, region));
  const isInternational = run.plus || digitsOf(run).startsWith('00');
  if (!isInternational && !(/tel/i.test(label[0]) && found.length > 0)) return undefined;
  if (found.length > 0) return unclear(head, run, found);
  return run.plus && digitsOf(run).length > 6 ? unclear(head, run, guesses(run, region)) : undefined;
}

/** What a run may have meant that has no number in its place: numbers at any group's end, else a number of no known plan. */
function guesses(run: DigitRun, region: string | undefined): Candidate[] {
  const valid = run.groups.flatMap((_group, last) => readUpTo(run, last, region));
  if (valid.length > 0) return distinct(valid);
  const last = run.groups.length - 1;
  const first = run.groups.findIndex(({ gap }) => gap === undefined || gap.includes(' '));
  return distinct(
    [first, last].flatMap((each) => {
      const digits = run.groups
        .slice(0, each + 1)
        .map((group) => group.digits)
        .join('');
      if (!run.plus && !digits.startsWith('00')) return [];
      const number = possibleNumber(run.plus ? digits : digits.slice(2));
      return number ? [{ number, last: each, certain: false }] : [];
    }),
  );
}

const distinct = (found: readonly Candidate[]): Candidate[] =>
  found.filter(({ number, last }, index) => index === found.findIndex((other) => other.number === number && other.last === last));

const AND = /(?:and|und|et|y|e|en|og|och|or|oder)\s+(?=[+(0])/iuy;

/** Several numbers in a row are a list of addressees, which there is no sending to. */
function beginsWithNumber(text: string, region: string | undefined): boolean {
  const head = headOf(text);
  const run = findRun(head, matchAt(AND, head.plain, 0)?.[0].length ?? 0);
  if (!run || (!run.plus && isDate(head.plain.slice(run.start)))) return false;
  return candidates(head, run, region).some(({ certain }) => run.plus || certain);
}

const CLOSING: Record<string, string> = {
  '(': ')',
  '[': ']',
  '{': '}',
  '<': '>',
  '"': '"',
  "'": "'",
  '`': '`',
  '*': '*',
  _: '_',
  '«': '»',
  '»': '«',
  '„': '“”"',
  '“': '”',
  '‚': '‘’',
  '‘': '’',
  '‹': '›',
};

/**
 * The text after a number, without what closes around the number and what separates it from the text: `:` `,` `;` `.` `-` `→` and such, on the number's
 * line and not part of a word (-5, :-)).
 */
function bodyAfter({ text, plain, starts, ends }: Head, run: DigitRun, last: number): string {
  let at = (run.groups[last] as Group).end;
  const open = openAfter(run, last);
  for (let next = matchAt(/ *(\S)/y, plain, at); next; next = matchAt(/ *(\S)/y, plain, at)) {
    if (!open.at(-1)?.includes(next[1] as string)) break;
    open.pop();
    at += next[0].length;
  }
  const attached = matchAt(/[!?]+(?=\s+\S)|[-,;:.|~=>/…•·»→⇒➜➡]+(?=$|\s|[\p{L}\p{N}"'„“«(])/uy, plain, at)?.[0] ?? '';
  at += attached.length;
  const spaced = attached ? '' : (matchAt(/ +(?:[-,;:.|~=>/…•·»→⇒➜➡]+(?=$|\s)|[,;]+(?=\p{L}))/uy, plain, at)?.[0] ?? '');
  at += spaced.length;
  const body = trimmed(text.slice(starts[at] ?? ends[at - 1]));
  const unclosed = open.at(-1);
  const around = unclosed !== undefined && body !== '' && unclosed.includes(body.at(-1) as string);
  return around ? trimmed(body.slice(0, -1)) : body;
}

/** What still closes after the number what was opened before it, the outermost first. */
function openAfter({ before, groups }: DigitRun, last: number): string[] {
  const open: string[] = [];
  const inside = groups.slice(0, last).map(({ gap }) => gap ?? '');
  for (const character of [...before, ...inside.join('')]) {
    const closes = CLOSING[character] !== character && !'([{<'.includes(character);
    if (closes && open.at(-1)?.includes(character)) open.pop();
    else if (CLOSING[character]) open.push(CLOSING[character]);
  }
  return open;
}

const BLANK = /[\s\p{Default_Ignorable_Code_Point}]/u;

/** Without white space and invisible characters at both ends. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && BLANK.test(text[start] as string)) start += 1;
  while (end > start && BLANK.test(text[end - 1] as string)) end -= 1;
  return text.slice(start, end);
}

const FROM = /(?:from|(?<von>von))(?![\p{L}\p{N}])\s*(?<colon>:?)\s*/iuy;
/** What separates an own number from the text. */
const SEPARATOR = /[)\]}>"'`*_”“»›’‘]* *(?:[:;,\n]|[-.~=>/|•→]+(?=\s|$))/y;
/** What separates an own number after `von`, which begins many sentences. */
const CLEAR_SEPARATOR = / *[:\n]/y;

interface Own {
  readonly own: string;
  readonly rest: string;
  /** Whether a colon or the like says that it is no part of a sentence. */
  readonly separated: boolean;
}

/**
 * `from <own number>`, or `von`: a number with a plus or 00, or one of the user's own in any spelling. Many a German sentence begins with `von`: it
 * is one unless a separator or another number follows.
 */
function readOwn(text: string, region: string | undefined, ownNumbers: readonly string[]): Own | undefined {
  const head = headOf(text);
  const from = matchAt(FROM, head.plain, 0);
  const run = from && findRun(head, from[0].length);
  if (!run) return undefined;
  const own = new Set(ownNumbers.map((number) => toE164(number)));
  const ends = run.groups.flatMap((group, last) => (group.gap === undefined || group.gap.includes(' ') ? [last] : []));
  const end = (last: number) => (run.groups[last] as Group).end;
  const found = (number: string, last: number) => {
    const rest = bodyAfter(head, run, last);
    const isSentence =
      from.groups?.von !== undefined && !matchAt(CLEAR_SEPARATOR, head.plain, end(last)) && readTarget(rest, region).kind === 'none';
    const separated = from.groups?.colon !== '' || matchAt(SEPARATOR, head.plain, end(last)) !== null;
    return isSentence ? undefined : { own: number, rest, separated };
  };
  for (const last of ends.toReversed()) {
    const number = toE164(head.plain.slice(run.start, end(last)), region);
    if (number && own.has(number)) return found(number, last);
  }
  if (!run.plus && !run.groups[0]?.digits.startsWith('00')) return undefined;
  const [read] = candidates(head, run, region);
  const last = read?.last ?? ends[0] ?? 0;
  // A time (00:30), an amount (+5).
  if (!read && readTarget(bodyAfter(head, run, last), region).kind !== 'target') return undefined;
  const digits = run.groups.slice(0, last + 1).map((group) => group.digits);
  return found(read?.number ?? `+${digits.join('')}`, last);
}
