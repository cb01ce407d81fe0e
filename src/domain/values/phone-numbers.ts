import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  Metadata,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';
import { LRUCache } from 'lru-cache';
import { fold } from './text.ts';

// One form for each phone: E.164. Carriers, people and programs write a number in many ways; numbers are compared in this form only.

/** The sender of an SMS: a phone; a short code or other digits that are not a phone's, answered unchanged; or a name, which cannot be answered. */
type SenderKind = 'phone' | 'shortCode' | 'name';

/** A possible reading of digits as a number. */
interface ReadNumber {
  /** E.164. */
  readonly number: string;
  /** Whether the reading is certain: by a plus, an international prefix, or the region's own notation. */
  readonly certain: boolean;
}

// Not shown on any screen: soft hyphen, joiners, direction marks, variation selectors, byte order mark.
const INVISIBLE = /^\p{Default_Ignorable_Code_Point}$/u;
const PLUS = /^[+\u207a\u2795\ufe62\uff0b]$/;
const HYPHEN = /^[-\u2010-\u2015\u2212\u30fc\ufe58\ufe63\uff0d]$/;
const LINE_BREAK = /^[\n\v\f\r\u0085\u2028\u2029]$/;
/** Full-width punctuation, as Chinese and Japanese keyboards write it. */
const LIKE_ASCII: Record<string, string> = {
  ...{ '（': '(', '）': ')', '［': '[', '］': ']', '．': '.', '·': '.', '／': '/' },
  ...{ '，': ',', '、': ',', '：': ':', '；': ';', '。': '.', '！': '!', '？': '?', '＜': '<', '＞': '>' },
};

/** As carriers and the platforms' programs write numbers. */
const PLAIN = /^\+[0-9]{1,20}$/;

// Reading a number takes some ten µs, and conversations repeat theirs.
const forms = new LRUCache<string, string>({ max: 10_000 });
const regions = new LRUCache<string, string>({ max: 10_000 });
/** Remembered of what is no number, or has no region. */
const NONE = '';
/** Longer texts are not remembered, in UTF-16 code units. */
const MAX_REMEMBERED = 64;

/**
 * Converts a character for reading a number: any script's digit to 0 to 9, any plus to `+`, any hyphen or dash to `-`, any space to a space. Invisible
 * characters become empty, line breaks `\n`; others stay.
 * @param character one code point
 */
export function plainCharacter(character: string): string {
  if (character >= ' ' && character <= '~') return character;
  if (INVISIBLE.test(character)) return '';
  if (LINE_BREAK.test(character)) return '\n';
  if (/^\s$/.test(character)) return ' ';
  if (PLUS.test(character)) return '+';
  if (HYPHEN.test(character)) return '-';
  if (/^\p{Nd}$/u.test(character)) return String(digitOf(character.codePointAt(0) as number));
  return LIKE_ASCII[character] ?? character;
}

/** Decimal digits are in runs of ten, from zero (Unicode 4.6); runs may be adjacent. */
function digitOf(codePoint: number): number {
  let before = 0;
  while (before < 50 && /^\p{Nd}$/u.test(String.fromCodePoint(codePoint - before - 1))) before += 1;
  return before % 10;
}

/**
 * Converts a phone number in any notation to its one form: with or without plus, `00`, `tel:`, brackets, any script's digits, invisible characters.
 *
 * Digits without a plus and without a leading 0 are a full international number, as carriers and mappings give it; if the numbering plans have no such
 * number, they may be the region's national number. A number that no plan knows (a test range, a new one) has a form if it is complete: 7 to 15
 * digits, not beginning with 0.
 * @param region the region of national numbers: ISO 3166-1 alpha-2, from `regionOf`
 * @returns `+` and 7 to 15 digits; `undefined` for short codes, names, extensions, and national numbers without their region
 */
export function toE164(written: string, region?: string): string | undefined {
  if (written.length > MAX_REMEMBERED) return readE164(written, region);
  // The region does not matter for a number with a plus. No other key looks like one, whatever the text is.
  const key = PLAIN.test(written) ? written : `${region ?? ''}:${written}`;
  let number = forms.get(key);
  if (number === undefined) {
    number = readE164(written, region) ?? NONE;
    forms.set(key, number);
  }
  return number === NONE ? undefined : number;
}

function readE164(written: string, region?: string): string | undefined {
  const dialled = PLAIN.test(written) ? { digits: written.slice(1), withoutZero: written.slice(1), plus: true } : dialledIn(written);
  if (!dialled) return undefined;
  const { digits, withoutZero, plus } = dialled;
  const national = plus ? undefined : nationalNumber(digits, region);
  if (plus || digits.startsWith('00')) {
    const international = [digits, withoutZero].map((each) => (plus ? each : each.slice(2)));
    const valid = international.map(validInternational).find((number) => number);
    return (
      valid ??
      (national?.valid ? national.number : undefined) ??
      international
        .toReversed()
        .map(unassigned)
        .find((number) => number)
    );
  }
  if (digits.startsWith('0')) return national?.number;
  if (digits.length < 7) return undefined;
  const ownCode = region && isSupportedCountry(region) && digits.startsWith(getCountryCallingCode(region));
  return (
    validInternational(digits) ??
    (national?.valid ? national.number : undefined) ??
    (ownCode ? unassigned(digits) : undefined) ??
    national?.number ??
    (parsed(`+${digits}`)?.isPossible() ? unassigned(digits) : undefined)
  );
}

/**
 * Returns the region whose national numbers may accompany this number; if several share its calling code, the number's own or the main one.
 * @param written a full international number in any notation
 * @returns ISO 3166-1 alpha-2; `undefined` for non-geographic and unknown calling codes
 */
export function regionOf(written: string): string | undefined {
  const number = toE164(written);
  if (number === undefined) return undefined;
  let region = regions.get(number);
  if (region === undefined) {
    const known = parsed(number);
    region = known?.country ?? known?.getPossibleCountries()[0] ?? NONE;
    regions.set(number, region);
  }
  return region === NONE ? undefined : region;
}

/**
 * Classifies a sender. Answer a phone at its `toE164`, and a short code at its `comparedForm`.
 * @param region as for `toE164`
 */
export function kindOfSender(from: string, region?: string): SenderKind {
  if (toE164(from, region)) return 'phone';
  return /^[0-9]{3,18}$/.test(dialledIn(from)?.digits ?? '') ? 'shortCode' : 'name';
}

/**
 * Returns the form in which two addresses are compared: equal for one phone in any notation. It begins with `digitsPrefix` of the address's beginning.
 * @param region as for `toE164`
 * @returns E.164's digits; a short code's digits; other text folded
 */
export function comparedForm(written: string, region?: string): string {
  return toE164(written, region)?.slice(1) ?? dialledIn(written)?.digits ?? fold(written.trim());
}

/**
 * Converts the beginning of a number to that of its `comparedForm`: `+1571`, `%2B1571`, `001571`, ` 1571`, `tel:+1 (571)` and `1571` are equal.
 * @returns digits, empty if every number has this beginning; `undefined` if no number has it (`AMAZON`, an e-mail address)
 */
export function digitsPrefix(written: string): string | undefined {
  const dialled = dialledIn(written, true);
  if (!dialled) return undefined;
  const { digits, withoutZero, plus } = dialled;
  if (plus && digits !== withoutZero) return toE164(written)?.slice(1) ?? withoutZero;
  return asDialledToday(plus ? digits : digits.replace(/^00/, ''));
}

/**
 * Returns the possible readings of digits by the numbering plans. Digits without plus are national or international.
 * @param digits ASCII digits
 * @param plus whether a plus precedes them
 * @param region as for `toE164`
 */
export function readDigits(digits: string, plus: boolean, region?: string): ReadNumber[] {
  if (plus) return certainly(validInternational(digits));
  const dialled = digits.startsWith('00') ? validInternational(digits.slice(2)) : undefined;
  if (dialled) return certainly(dialled);
  const national = nationalNumber(digits, region);
  const found = national?.valid ? [{ number: national.number, certain: national.certain }] : [];
  const international = validInternational(digits);
  if (!international || international === national?.number) return found;
  return [...found, { number: international, certain: false }];
}

/**
 * Whether the groups of digits are those of the national notation in the number's region: (650) 253-0000.
 * @param number E.164
 */
export const isNationalSpelling = (number: string, groups: readonly string[]): boolean =>
  parsed(number)
    ?.formatNational()
    .match(/[0-9]+/g)
    ?.join(' ') === groups.join(' ');

/**
 * Returns the number of international digits even if no plan has it. For a suggestion, not for sending.
 * @param digits ASCII digits, from the calling code on
 */
export const possibleNumber = (digits: string): string | undefined => (parsed(`+${digits}`)?.isPossible() ? unassigned(digits) : undefined);

const certainly = (number: string | undefined): ReadNumber[] => (number ? [{ number, certain: true }] : []);

const parsed = (text: string, region?: CountryCode) =>
  parsePhoneNumberFromString(text, { ...(region && { defaultCountry: region }), extract: false });

function validInternational(digits: string): string | undefined {
  const number = parsed(`+${asDialledToday(digits)}`);
  return number?.isValid() ? number.number : undefined;
}

/** Returns a number of no known plan, if it has the form of E.164. */
function unassigned(digits: string): string | undefined {
  const today = asDialledToday(digits);
  const number = parsed(`+${today}`);
  // A national prefix within it is left out if the rest has a valid length for its region.
  const written = number?.isPossible() ? number.number : `+${today}`;
  return /^\+[1-9][0-9]{6,14}$/.test(written) ? written : undefined;
}

/** Mexican mobiles had a 1 after the calling code until 2020; many systems still write it. No area code begins with 1. */
const asDialledToday = (digits: string) => digits.replace(/^521/, '52');

interface National {
  /** E.164. */
  readonly number: string;
  readonly valid: boolean;
  readonly certain: boolean;
}

/**
 * Reads digits without plus as dialled in the region: with its national prefix (0170 1234567) or its international one (011 44 …); without one in a region
 * that writes numbers without prefix. Without its prefix, 170 1234567 is not read as a German number: it may be an order number.
 */
function nationalNumber(digits: string, region: string | undefined): National | undefined {
  if (!region || !isSupportedCountry(region)) return undefined;
  const number = parsed(digits, region);
  if (!number) return undefined;
  const national = nationalForm(digits, number, region);
  // There was an international prefix if the rest is the number with its calling code.
  const full = number.number.slice(1);
  const dialledAbroad = digits.length > full.length && digits.endsWith(full);
  if (!national && !dialledAbroad) return undefined;
  const valid = number.isValid();
  if (!valid && (!number.isPossible() || number.number.length < 8)) return undefined;
  return { number: number.number, valid, certain: dialledAbroad || (national === 'prefixed' && A_PERSONS.has(number.getType())) };
}

/** The types of personal numbers. National numbers of other types (free, premium, shared cost) are rarer than lists of times or prices that look like them. */
const A_PERSONS = new Set<string | undefined>(['MOBILE', 'FIXED_LINE', 'FIXED_LINE_OR_MOBILE', 'VOIP', 'PERSONAL_NUMBER']);

/** Tells whether digits are in the region's national form: with a prefix that only numbers have, or bare. */
function nationalForm(digits: string, number: PhoneNumber, region: CountryCode): 'prefixed' | 'bare' | undefined {
  if (number.countryCallingCode !== getCountryCallingCode(region)) return undefined;
  const prefix = nationalPrefixOf(region);
  // Italy's 0 belongs to the number.
  if (digits.startsWith('0') || (prefix && digits.startsWith(prefix) && digits !== number.nationalNumber)) return 'prefixed';
  return digits === number.formatNational().replace(/[^0-9]/g, '') ? 'bare' : undefined;
}

function nationalPrefixOf(region: CountryCode): string | undefined {
  const metadata = new Metadata();
  metadata.selectNumberingPlan(region);
  // Missing in the published types.
  return (metadata.numberingPlan as unknown as { nationalPrefix(): string | undefined }).nationalPrefix();
}

interface Dialled {
  readonly digits: string;
  /** The digits without a (0), which is not dialled from abroad. */
  readonly withoutZero: string;
  readonly plus: boolean;
}

const plain = (text: string) => Array.from(text, plainCharacter).join('');

/**
 * Returns the digits of an address that is only a number.
 * @param incomplete whether it may be just the beginning of a number, or only its plus
 */
function dialledIn(written: string, incomplete = false): Dialled | undefined {
  if (written.length > 200) return undefined;
  const [uri = '', ...parameters] = plain(written)
    .trim()
    // SIP's name-addr (RFC 3261, 20.10): an optional name before it, and the header's parameters after it.
    .replace(/^(?:"[^"]*" *|[^"<>]*)<([^<>]+)>(?:;[^<>]*)?$/, '$1')
    .replace(/^(?:tel|sms|smsto|callto):(?:\/\/)?/i, '')
    .replace(/^sips?:([^@]+)@[^@]+$/i, '$1')
    .replace(/^%2B/i, '+')
    .split(/[;?]/);
  const context = parameters.find((parameter) => /^phone-context=\+/i.test(parameter))?.split('=')[1];
  const text = context && !uri.includes('+') ? context + uri : uri;
  if (parameters.some((parameter) => /^(?:ext|isub)=/i.test(parameter))) return undefined;
  if (!/^[([ ]*\+?[-0-9()[\]./~ ]*$/.test(text)) return undefined;
  const plus = text.includes('+');
  const digits = text.replace(/[^0-9]/g, '');
  if (digits === '' && !(incomplete && plus)) return undefined;
  return { digits, withoutZero: text.replace(/[([] *0 *[)\]]/, '').replace(/[^0-9]/g, ''), plus };
}
