import { encodingOf } from './sms-encoding.ts';

// Teams and keyboards write “quotes”, dashes and non-breaking spaces of their own accord. One of them turns a text of 160 characters into UCS-2,
// and so into three segments instead of one.

const PLAIN: readonly [RegExp, string][] = [
  [/[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g, ' '],
  [/[\u2028\u2029]/g, '\n'],
  [/[‘’‚‛′‹›´]/g, "'"],
  [/[“”„‟″«»]/g, '"'],
  [/[\u2010-\u2015\u2212]/g, '-'],
  [/…/g, '...'],
  // Joiners and direction marks mean nothing to the letters of GSM 03.38.
  [/\p{Default_Ignorable_Code_Point}/gu, ''],
];

/**
 * A text with non-breaking spaces, typographic quotes, dashes and ellipses as GSM 03.38 has them, where it then goes as GSM-7 and in no more segments.
 * Where another character needs UCS-2 anyway, the text stays as it is.
 */
export function foldForSms(text: string): string {
  const before = encodingOf(text);
  if (before.encoding === 'GSM_7') return text;
  const folded = PLAIN.reduce((folding, [pattern, plain]) => folding.replace(pattern, plain), text.normalize('NFC'));
  const after = encodingOf(folded);
  return after.encoding === 'GSM_7' && after.segments <= before.segments ? folded : text;
}
