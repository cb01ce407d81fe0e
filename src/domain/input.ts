import { z } from 'zod';
import { InvalidInputError, type InputIssue } from './errors.ts';

const MISSING = 'is missing';

/** Text as callers may send it: trimmed, no NUL (PostgreSQL holds none), no lone surrogates, at most `max` characters. */
function wellFormed(max: number) {
  return z
    .string()
    .trim()
    .refine((text) => !text.includes('\0'), 'must not contain NUL')
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
    .refine((text) => text.length <= max, `must have at most ${max} characters`);
}

/** A mandatory text. Blank counts as missing, so that both faces name every missing parameter at once (REST.md, 451). */
export const mandatory = (max = 255) => wellFormed(max).refine((text) => text !== '', MISSING);

/** An optional text: `null`, absent and blank are all `undefined`. */
export const optional = (max = 255) =>
  wellFormed(max)
    .nullish()
    .transform((text) => text || undefined);

/** A part of an update: absent and `null` leave the value as it is, blank is refused. */
export const changed = (max = 255) =>
  wellFormed(max)
    .refine((text) => text !== '', 'must not be empty')
    .nullish()
    .transform((text) => text ?? undefined);

/** A sid that is looked up: any text, since a malformed one is simply not found (REST.md, Answers). */
export const lookup = () =>
  z
    .string()
    .nullish()
    .transform((text) => text?.trim() || undefined);

/**
 * Validates an input object.
 * @throws InvalidInputError MISSING_PARAMETER naming every missing parameter, else INVALID_PARAMETER for the first invalid one.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues: InputIssue[] = parsed.error.issues.map((issue) => ({ path: issue.path.map(String), message: issue.message }));
  const missing = issues.filter((issue) => issue.message === MISSING);
  if (missing.length > 0) {
    throw new InvalidInputError(
      'MISSING_PARAMETER',
      `Mandatory parameter ${missing.map((issue) => issue.path.join('.')).join(',')} is missing.`,
      missing,
    );
  }
  const first = issues[0] ?? { path: [], message: 'is malformed' };
  throw invalidParameter(first.path, first.message, valueAt(input, first.path), issues);
}

/** `Parameter x is invalid: why` (REST.md, 450). */
export function invalidParameter(
  path: readonly string[],
  why: string,
  value?: unknown,
  issues: readonly InputIssue[] = [{ path, message: why }],
) {
  const shown = value === undefined || value === null || typeof value === 'object' ? undefined : String(value);
  return new InvalidInputError('INVALID_PARAMETER', `Parameter ${path.join('.')} is invalid: ${why}`, issues, shown);
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    input,
  );
}
