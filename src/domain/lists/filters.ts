import { invalidParameter } from '../input.ts';
import { fold } from '../text.ts';

/** The bounds of a creation time, both inclusive. */
export interface CreatedRange {
  createdFrom?: Date | null;
  createdTo?: Date | null;
}

/** Where-part for a creation time between two instants, both inclusive. */
export const createdBetween = ({ createdFrom, createdTo }: CreatedRange) =>
  createdFrom || createdTo ? { dateCreated: { gte: createdFrom ?? undefined, lte: createdTo ?? undefined } } : {};

/**
 * The filter's text as a LIKE operand: trimmed, folded, taken literally. Prisma does not escape `%` and `_` itself.
 * @returns undefined for an absent or blank filter, which filters nothing.
 * @throws InvalidInputError INVALID_PARAMETER for text that no row can hold.
 */
export function literal(parameter: string, text: string | null | undefined): string | undefined {
  const trimmed = text?.trim();
  if (!trimmed) return undefined;
  if (trimmed.includes('\0') || !trimmed.isWellFormed())
    throw invalidParameter([parameter], 'must be well-formed text without NUL', trimmed);
  return fold(trimmed).replace(/[\\%_]/g, '\\$&');
}

/** Where-part: the folded column contains the text. */
export const containing = <Column extends string>(column: Column, text: string | undefined) =>
  (text === undefined ? {} : { [column]: { contains: text } }) as { [K in Column]?: { contains: string } };

/** Where-part: the folded column begins with the text. */
export const beginning = <Column extends string>(column: Column, text: string | undefined) =>
  (text === undefined ? {} : { [column]: { startsWith: text } }) as { [K in Column]?: { startsWith: string } };
