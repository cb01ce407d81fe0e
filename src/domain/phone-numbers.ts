import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  Metadata,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';
import { fold } from './text.ts';

// One phone, one form: E.164. Carriers, people and programs write a number in many ways; whatever compares numbers compares this form.

/** What an SMS comes from: a phone; a short code, or other digits that are no phone's, answered as they are; a name, which cannot be answered. */
type SenderKind = 'phone' | 'shortCode' | 'name';

/** A number that digits can be read as. */
interface ReadNumber {
  /** E.164. */
  readonly number: string;
  /** Whether the digits say so themselves: by a plus, an international prefix, or the region's own way of writing. */
  readonly certain: boolean;
}

// No screen shows these: soft hyphen, joiners, direction marks, variation selectors, byte order mark.
const INVISIBLE = /^\p{Default_Ignorable_Code_Point}$/u;
const PLUS = /^[+\u207a\u2795\ufe62\uff0b]$/;
const HYPHEN = /^[-\u2010-\u2015\u2212\u30fc\ufe58\ufe63\uff0d]$/;
const LINE_BREAK = /^[\n\v\f\r\u0085\u2028\u2029]$/;
const LIKE_ASCII: Record<string, string> = { '（': '(', '）': ')', '［': '[', '］': ']', '．': '.', '·': '.', '／': '/' };

/**
 * A character as a number is read: any script's digit as 0 to 9, any plus as `+`, any hyphen or dash as `-`, any space as a space. Invisible
 * characters are empty, line breaks `\n`; others stay.
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

/** Decimal digits stand in runs of ten, from zero (Unicode 4.6); runs may follow each other. */
function digitOf(codePoint: number): number {
  let before = 0;
  while (before < 50 && /^\p{Nd}$/u.test(String.fromCodePoint(codePoint - before - 1))) before += 1;
  return before % 10;
}

/**
 * The one form of a phone's number, however it is written: with or without plus, `00`, `tel:`, brackets, any script's digits, invisible characters.
 *
 * Digits without a plus and without a leading 0 are a full international number, as carriers and mappings give them; where they are none by the
 * numbering plans, they may be the region's national number. A number that no plan knows (a test range, a new one) has a form where it comes with
 * all its digits: 7 to 15, not beginning with 0.
 * @param region the region of national numbers: ISO 3166-1 alpha-2, as of `regionOf`
 * @returns `+` and 7 to 15 digits; undefined for short codes, names, extensions, and national numbers without their region
 */
export function toE164(written: string, region?: string): string | undefined {
  const dialled = dialledIn(written);
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
 * The region whose national numbers are written next to this one; of several with one calling code, the number's own or the main one.
 * @param written a full international number in any spelling
 * @returns ISO 3166-1 alpha-2; undefined for non-geographic and unknown calling codes
 */
export function regionOf(written: string): string | undefined {
  const number = parsed(toE164(written) ?? '');
  return number?.country ?? number?.getPossibleCountries()[0];
}

/**
 * The form in which a sender is answered is `toE164`'s for a phone, and `comparedForm`'s for a short code.
 * @param region as for `toE164`
 */
export function kindOfSender(from: string, region?: string): SenderKind {
  if (toE164(from, region)) return 'phone';
  return /^[0-9]{3,18}$/.test(dialledIn(from)?.digits ?? '') ? 'shortCode' : 'name';
}

/**
 * What two addresses are compared by: equal for one phone, whatever its spelling. Begins as `digitsPrefix` of its beginning.
 * @param region as for `toE164`
 * @returns E.164's digits; a short code's digits; other text folded
 */
export function comparedForm(written: string, region?: string): string {
  return toE164(written, region)?.slice(1) ?? dialledIn(written)?.digits ?? fold(written.trim());
}

/**
 * The beginning of a number as `comparedForm` has it: `+1571`, `%2B1571`, `001571`, ` 1571`, `tel:+1 (571)` and `1571` are one.
 * @returns digits, empty for what every number begins with; undefined for text that begins no number (`AMAZON`, an e-mail address)
 */
export function digitsPrefix(written: string): string | undefined {
  const dialled = dialledIn(written, true);
  if (!dialled) return undefined;
  const { digits, withoutZero, plus } = dialled;
  if (plus && digits !== withoutZero) return toE164(written)?.slice(1) ?? withoutZero;
  return asDialledToday(plus ? digits : digits.replace(/^00/, ''));
}

/**
 * The numbers that digits can be read as by the numbering plans. Digits without plus are national or international.
 * @param digits ASCII digits
 * @param plus whether a plus is before them
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
 * Whether groups of digits stand as the number's region writes it at home: (650) 253-0000.
 * @param number E.164
 */
export const isNationalSpelling = (number: string, groups: readonly string[]): boolean =>
  parsed(number)
    ?.formatNational()
    .match(/[0-9]+/g)
    ?.join(' ') === groups.join(' ');

/**
 * The number that international digits would be if a plan had it. For offering, not for sending.
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

/** A number of no known plan, where it has the shape of E.164. */
function unassigned(digits: string): string | undefined {
  const today = asDialledToday(digits);
  const number = parsed(`+${today}`);
  // A national prefix within it is left out where the rest has a length of its region's.
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
 * Digits without plus as the region dials them: with its national prefix (0170 1234567) or its international one (011 44 …); in a region that writes
 * numbers without prefix, as they are. Without its prefix, 170 1234567 is no German number: it may as well be an order's.
 */
function nationalNumber(digits: string, region: string | undefined): National | undefined {
  if (!region || !isSupportedCountry(region)) return undefined;
  const number = parsed(digits, region);
  if (!number) return undefined;
  const national = nationalForm(digits, number, region);
  // An international prefix was there where what is left is the number with its calling code.
  const full = number.number.slice(1);
  const dialledAbroad = digits.length > full.length && digits.endsWith(full);
  if (!national && !dialledAbroad) return undefined;
  const valid = number.isValid();
  if (!valid && (!number.isPossible() || number.number.length < 8)) return undefined;
  return { number: number.number, valid, certain: dialledAbroad || (national === 'prefixed' && A_PERSONS.has(number.getType())) };
}

/** A national number of another kind (free, premium, shared cost) is rarer than the list of times or prices that looks like it. */
const A_PERSONS = new Set<string | undefined>(['MOBILE', 'FIXED_LINE', 'FIXED_LINE_OR_MOBILE', 'VOIP', 'PERSONAL_NUMBER']);

/** How digits are the region's national form: with a prefix that only numbers have, or bare. */
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
  // The plan knows it; the published types leave it out.
  return (metadata.numberingPlan as unknown as { nationalPrefix(): string | undefined }).nationalPrefix();
}

interface Dialled {
  readonly digits: string;
  /** Without the (0) that is left out from abroad. */
  readonly withoutZero: string;
  readonly plus: boolean;
}

const plain = (text: string) => Array.from(text, plainCharacter).join('');

/**
 * The digits of an address that is a number and nothing else.
 * @param incomplete whether it may be a number's beginning, or its plus alone
 */
function dialledIn(written: string, incomplete = false): Dialled | undefined {
  if (written.length > 200) return undefined;
  const [uri = '', ...parameters] = plain(written)
    .trim()
    .replace(/^(?:tel|sms|smsto|callto):(?:\/\/)?/i, '')
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
