import { invalidParameter } from '../input.ts';
import { fold } from '../values/text.ts';

/** Bounds on a creation time, both inclusive. */
export interface CreatedRange {
  createdFrom?: Date | null;
  createdTo?: Date | null;
}

/** Bounds on the times of creation and of the last change, all inclusive. */
export interface TimeRanges extends CreatedRange {
  updatedFrom?: Date | null;
  updatedTo?: Date | null;
}

/** The condition that a row was created and last changed within the bounds. What was changed by a time was created by then, which indexes know. */
export function timesBetween({ createdFrom, createdTo, updatedFrom, updatedTo }: TimeRanges): object {
  const latest = updatedTo && (!createdTo || updatedTo < createdTo) ? updatedTo : createdTo;
  return {
    ...(createdFrom || latest ? { dateCreated: { gte: createdFrom ?? undefined, lte: latest ?? undefined } } : {}),
    ...(updatedFrom || updatedTo ? { dateUpdated: { gte: updatedFrom ?? undefined, lte: updatedTo ?? undefined } } : {}),
  };
}

/**
 * Converts a filter's text to an operand of LIKE that matches it literally: trimmed, folded, with `%`, `_` and `\` escaped, which Prisma does not do.
 * @param parameter the filter's field, for the error
 * @returns `undefined` for an absent or blank text, which filters nothing
 * @throws InvalidInputError INVALID_PARAMETER for text that PostgreSQL cannot store
 */
export function literal(parameter: string, text: string | null | undefined): string | undefined {
  const given = storable(parameter, text);
  return given === undefined ? undefined : escapeWildcards(fold(given));
}

const escapeWildcards = (text: string) => text.replace(/[\\%_]/g, '\\$&');

/**
 * Trims a filter's text.
 * @returns `undefined` for an absent or blank text, which filters nothing
 * @throws InvalidInputError INVALID_PARAMETER for text that PostgreSQL cannot store
 */
export function storable(parameter: string, text: string | null | undefined): string | undefined {
  const trimmed = text?.trim();
  if (!trimmed) return undefined;
  if (trimmed.includes('\0') || !trimmed.isWellFormed())
    throw invalidParameter([parameter], 'must be well-formed text without NUL', trimmed);
  return trimmed;
}

/** The condition that a folded column contains the text. */
export const containing = <Column extends string>(column: Column, text: string | undefined) =>
  (text === undefined ? {} : { [column]: { contains: text } }) as { [K in Column]?: { contains: string } };

/**
 * The condition that a column of texts as they were given contains the text, in any case, composed or decomposed. ILIKE itself ignores only case, by the
 * database's rules, which are not those of `fold`.
 * @throws InvalidInputError as `literal`
 */
export function containingInAnyCase(column: string, text: string | null | undefined): object {
  const given = storable(column, text);
  if (given === undefined) return {};
  const forms = new Set([given, given.normalize('NFC'), given.normalize('NFD')]);
  const [only, ...further] = Array.from(forms, (form) => ({ [column]: { contains: escapeWildcards(form), mode: 'insensitive' } }));
  return only && further.length === 0 ? only : { OR: [only, ...further] };
}
