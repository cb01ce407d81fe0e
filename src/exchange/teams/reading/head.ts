import { plainCharacter } from '../../../domain/values/phone-numbers.ts';

/** The beginning of a text in plain characters, without invisible ones. `starts` and `ends`: where each stands in the text. */
export interface Head {
  readonly text: string;
  readonly plain: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Longer than any number and what may stand before it. */
const HEAD_LENGTH = 200;

/** Texts that another program escaped reach Teams, too: for HTML, perhaps twice, or a plus for a URL. */
const ENTITY = /&(?:amp;){0,3}(?:(lt|gt|quot|apos|nbsp|plus)|#([0-9]{2,6})|#x([0-9a-f]{2,5}));|%2b/iy;
const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', plus: '+' };

export function headOf(text: string): Head {
  let plain = '';
  const starts: number[] = [];
  const ends: number[] = [];
  for (let at = 0; at < text.length && plain.length < HEAD_LENGTH; ) {
    const entity = matchAt(ENTITY, text, at);
    const written = entity?.[0] ?? String.fromCodePoint(text.codePointAt(at) as number);
    for (const unit of plainCharacter(entity ? characterOf(entity) : written).split('')) {
      plain += unit;
      starts.push(at);
      ends.push(at + written.length);
    }
    at += written.length;
  }
  return { text, plain, starts, ends };
}

/** The character of a match of ENTITY. Its numbers are all code points. */
const characterOf = ([entity, name = '', decimal, hexadecimal = '']: RegExpExecArray): string =>
  entity.startsWith('%')
    ? '+'
    : (ENTITIES[name.toLowerCase()] ?? String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hexadecimal, 16)));

/** Matches a sticky pattern at a place. */
export function matchAt(sticky: RegExp, text: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(text);
}
