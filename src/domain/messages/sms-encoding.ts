import type { MessageEncoding } from '../../../prisma/client/client.ts';

// GSM 03.38: the basic alphabet, and what takes an escape and so two septets.
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const ESCAPED = new Set('\f^{}\\[~]|€');

/** How a text goes over the air: GSM-7 where it can, else UCS-2, and in how many segments. An empty text is one. */
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

/** A message of several segments has room for less in each, and splits no escape and no surrogate pair. */
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
