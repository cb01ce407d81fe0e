import type { MessageEncoding } from '../../../prisma/client/client.ts';

// The GSM 7-bit default alphabet (3GPP TS 23.038), and the characters of its extension table, which take an escape and so two septets.
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const ESCAPED = new Set('\f^{}\\[~]|€');

/** The encoding of an SMS text, GSM-7 where possible and UCS-2 otherwise, and its number of segments. An empty text has one. */
export function encodingOf(text: string): { encoding: MessageEncoding; segments: number } {
  const characters = [...text];
  if (characters.every((character) => BASIC.has(character) || ESCAPED.has(character))) {
    return {
      encoding: 'GSM_7',
      segments: segments(
        characters.map((character) => (ESCAPED.has(character) ? 2 : 1)),
        160,
        153,
      ),
    };
  }
  return {
    encoding: 'UCS_2',
    segments: segments(
      characters.map((character) => character.length),
      70,
      67,
    ),
  };
}

/**
 * Measures whether a text is longer than the carrier takes.
 * @param max in UTF-16 code units, and in segments if they are limited
 * @returns the text's size, and a sentence for its writer without the subject (`has 1200 characters; an SMS takes at most 999`); `undefined` if
 *   it fits
 */
export function smsExcess(
  text: string,
  max: { readonly characters: number; readonly segments?: number },
): { readonly message: string; readonly size: { readonly characters: number; readonly segments: number } } | undefined {
  const { segments: count, encoding } = encodingOf(text);
  const size = { characters: text.length, segments: count };
  if (max.segments !== undefined && count > max.segments) {
    const each = encoding === 'GSM_7' ? 'up to 153 characters' : 'up to 67 characters, since it has characters outside the GSM alphabet';
    return { message: `takes ${count} SMS segments of ${each}; at most ${max.segments} can be sent`, size };
  }
  if (size.characters <= max.characters) return undefined;
  return { message: `has ${size.characters} characters; an SMS takes at most ${max.characters}`, size };
}

/**
 * Counts segments. Each of several has room for less, and neither an escape nor a surrogate pair is split.
 * @param sizes the size of each character, in septets or UTF-16 units
 * @param single the capacity of a lone segment
 * @param each the capacity of each of several
 */
function segments(sizes: readonly number[], single: number, each: number): number {
  if (sizes.reduce((sum, size) => sum + size, 0) <= single) return 1;
  let count = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > each) {
      count += 1;
      used = 0;
    }
    used += size;
  }
  return count;
}
