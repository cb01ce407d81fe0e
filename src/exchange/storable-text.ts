import { replaceUnstorable } from '../domain/values/text.ts';

/**
 * Checks that a text from outside can be stored: PostgreSQL's text type holds no NUL, and UTF-8 no lone surrogates.
 * @param max the largest length, in UTF-16 code units
 */
export const isStorableText = (value: string, max: number): boolean => value.length <= max && !value.includes('\0') && value.isWellFormed();

/** What a text ends with that was cut. */
const CUT = ' […]';

/**
 * Makes a text from outside storable: replaces NUL and lone surrogates by U+FFFD, as Unicode recommends for what cannot be decoded, and cuts a
 * longer text with a visible mark.
 * @param max the largest length, in UTF-16 code units
 */
export function toStorableText(value: string, max: number): string {
  const text = value.length <= max ? value : value.slice(0, max - CUT.length).replace(/[\uD800-\uDBFF]$/, '') + CUT;
  return replaceUnstorable(text);
}

/** The sid under which one of a platform's records is stored. */
export const toStorableSid = (sid: string): string => toStorableText(sid, 320);
