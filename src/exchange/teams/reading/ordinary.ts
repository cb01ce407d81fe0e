import { matchAt } from './head.ts';

// Recognizes digits at the beginning of a text that are no phone number, although there are many of them or a plus precedes them. A mistyped number is
// still asked about: these digits are shorter than a number that lost two digits, or have a form that numbers do not have.

/** Digits in groups, and what the text has before and after them. */
interface Digits {
  readonly plus: boolean;
  readonly groups: readonly string[];
  /** What stands between the groups. */
  readonly gaps: readonly string[];
  /** What follows the last group, in plain characters. */
  readonly after: string;
}

/** The most digits that an amount after a plus has. */
const MAX_ADDED = 3;
/** The most digits that a code, a date or a password usually has; mobile numbers have more in most countries. */
const MAX_NAMED = 8;
/** The rest of a number that begins with a plus and a few digits: how far after them it may stand, and the digits that it exceeds. */
const REST = { within: 24, digits: 4 };

const UNIT = /^ ?[%‰°\p{Sc}]/u;
/** A letter or a picture, after at most a decimal, a time or a bracket. */
const WORD = /^(?:[.,:][0-9]{1,2})?[ )\]"'!,.:;-]{0,3}[\p{L}\p{So}]/u;
/** A sentence about the digits. A pronoun after the verb makes it a question to somebody. */
const STATEMENT =
  / (?:is|are|was|were|ist|sind|war|waren|wird|est|sont|sono|è|é|são|är|zijn) (?!(?:i|you|he|she|it|we|they|there|ich|du|er|sie|es|wir|ihr|da|tu|il|elle|vous)(?!\p{L}))/uy;
const COMPACT_DATE = /^(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])$/;
const ROUND = /^[1-9][0-9]{0,5}000$/;

/**
 * Whether digits that no numbering plan has as a number are an amount, a date or the subject of a sentence: `+5 Grad`, `1.000.000 Euro`,
 * `20261130 passt`, `0800 1234 ist das Passwort`.
 */
export function isOrdinary({ plus, groups, gaps, after }: Digits): boolean {
  const digits = groups.join('');
  // Of several groups, the last alone may be the amount: +49 170 1234 20 €.
  if (UNIT.test(after)) return (groups.length === 1 && digits.length <= MAX_NAMED) || (!plus && isInThousands(groups, gaps));
  if (plus) return digits.length <= MAX_ADDED && WORD.test(after) && !mayGoOn(after);
  if (matchAt(STATEMENT, after, 0)) return digits.length <= MAX_NAMED && !after.includes('?');
  if (!WORD.test(after)) return false;
  // Longer ones are written so in Spain, Portugal and Poland: 612 345 000, 612345000.
  const isShort = digits.length <= MAX_NAMED;
  const isRound = groups.at(-1) === '000' && isInThousands(groups, gaps) && (isShort || gaps[0] === '.');
  return isRound || (isShort && groups.length === 1 && (COMPACT_DATE.test(digits) || ROUND.test(digits)));
}

/** Whether what follows may be the rest of a number: on the next line, or after a letter for a digit. */
const mayGoOn = (after: string) => (after.slice(0, REST.within).match(/[0-9]/g)?.length ?? 0) > REST.digits;

/** 1.000.000, 12 000 000. */
function isInThousands([first = '', ...others]: readonly string[], gaps: readonly string[]): boolean {
  const [gap] = gaps;
  const isGrouped = /^[1-9][0-9]{0,2}$/.test(first) && others.length > 0 && others.every((group) => group.length === 3);
  return isGrouped && (gap === '.' || gap === ' ') && gaps.every((other) => other === gap);
}
