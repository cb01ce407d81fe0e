import { invalidParameter } from '../input.ts';
import { fold } from '../text.ts';

/** Bounds on a creation time, both inclusive. */
export interface CreatedRange {
  createdFrom?: Date | null;
  createdTo?: Date | null;
}

/** The condition that a row was created within the bounds. */
export const createdBetween = ({ createdFrom, createdTo }: CreatedRange) =>
  createdFrom || createdTo ? { dateCreated: { gte: createdFrom ?? undefined, lte: createdTo ?? undefined } } : {};

/**
 * Converts a filter's text to an operand of LIKE that matches it literally: trimmed, folded, with `%`, `_` and `\` escaped, which Prisma does not do.
 * @param parameter the filter's field, for the error
 * @returns `undefined` for an absent or blank text, which filters nothing
 * @throws InvalidInputError INVALID_PARAMETER for text that PostgreSQL cannot store
 */
export function literal(parameter: string, text: string | null | undefined): string | undefined {
  const trimmed = text?.trim();
  if (!trimmed) return undefined;
  if (trimmed.includes('\0') || !trimmed.isWellFormed())
    throw invalidParameter([parameter], 'must be well-formed text without NUL', trimmed);
  return fold(trimmed).replace(/[\\%_]/g, '\\$&');
}

/** The condition that a folded column contains the text. */
export const containing = <Column extends string>(column: Column, text: string | undefined) =>
  (text === undefined ? {} : { [column]: { contains: text } }) as { [K in Column]?: { contains: string } };
