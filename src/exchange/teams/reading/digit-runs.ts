import { type Head, matchAt } from './head.ts';

/** Digits in groups, and what is between them. */
export interface DigitRun {
  readonly plus: boolean;
  /** How many signs stand before it that don't enclose numbers; a word without a colon counts as one. */
  readonly decoration: number;
  /** Where the plus or first digit stands in the head. */
  readonly start: number;
  /** What stands before the plus or first digit, brackets after the plus included. */
  readonly before: string;
  readonly groups: readonly Group[];
}

export interface Group {
  readonly digits: string;
  /** Where it ends in the head. */
  readonly end: number;
  /** What joins it to the next; absent after the last. */
  readonly gap?: string;
}

const START = new RegExp(
  [
    /(?<before>[^\p{L}\p{N}+\n]{0,12}?)/u,
    /(?:(?:(?<word>to|sms|smsto|callto|sips?)(?![\p{L}\p{N}])(?<colon>\.?:|\.)?|tel:(?! ))(?:\/\/)?(?<after>[^\p{L}\p{N}+\n]{0,12}?))?/u,
    /(?<plus>\+[-+ ([]*)?(?=[0-9])/u,
  ]
    .map(({ source }) => source)
    .join(''),
  'iuy',
);
/** All but quotes, brackets and emphasis, which may stand around a number. */
const DECORATION = /[^\s([{<"'`*_«»„“”‚‘’‹›]/gu;
// A digit under a keycap is a picture.
const GROUP = /[0-9]+(?!\u20e3)/y;
const GAP = /[-./()[\]~ ]{1,5}(?=[0-9]+(?!\u20e3|[0-9]))/y;

/** Finds the digits that stand at a place of a head, behind signs and words that go before a number; `undefined` if others stand there. */
export function findRun({ plain }: Head, at: number): DigitRun | undefined {
  const found = matchAt(START, plain, at);
  if (!found?.groups) return undefined;
  const { before = '', word, colon, after = '', plus } = found.groups;
  const around = before + after;
  // An amount, an issue, a rank.
  if (!plus && /[\p{Sc}#№]/u.test(around)) return undefined;
  const groups: Group[] = [];
  for (let from = at + found[0].length; from < plain.length; ) {
    const digits = matchAt(GROUP, plain, from)?.[0];
    if (!digits) break;
    const end = from + digits.length;
    const gap = matchAt(GAP, plain, end)?.[0];
    groups.push({ digits, end, gap });
    if (gap === undefined) break;
    from = end + gap.length;
  }
  if (groups.length === 0) return undefined;
  return {
    plus: plus !== undefined,
    decoration: (around.match(DECORATION)?.length ?? 0) + (word !== undefined && !colon ? 1 : 0),
    start: at + found[0].length - (plus?.length ?? 0),
    before: around + (plus ?? ''),
    groups,
  };
}

/** All digits of a run. */
export const digitsOf = ({ groups }: DigitRun): string => groups.map(({ digits }) => digits).join('');
