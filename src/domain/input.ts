import { z } from 'zod';
import { type InputIssue, InvalidInputError } from './errors.ts';
import { sought } from './sid.ts';

const MISSING = 'is missing';

/** Marks a text that an error must not repeat. */
export const SECRET = { secret: true };

/** Text as callers may send it: trimmed, no NUL (PostgreSQL holds none), no lone surrogates, at most `max` characters. */
function wellFormed(max: number, params: object) {
  return z
    .string()
    .trim()
    .refine((text) => !text.includes('\0'), { error: 'must not contain NUL', params })
    .refine((text) => text.isWellFormed(), { error: 'must be well-formed Unicode', params })
    .refine((text) => text.length <= max, { error: `must have at most ${max} characters`, params });
}

/** A mandatory text. Blank counts as missing, so that both faces name every missing parameter at once (REST.md, 451). */
export const mandatory = (max = 255, params = {}) => wellFormed(max, params).refine((text) => text !== '', MISSING);

/** An optional text: `null`, absent and blank are all `undefined`. */
export const optional = (max = 255) =>
  wellFormed(max, {})
    .nullish()
    .transform((text) => text || undefined);

/** A part of an update: absent and `null` leave the value as it is, blank is refused. */
export const changed = (max = 255, params = {}) =>
  wellFormed(max, params)
    .refine((text) => text !== '', 'must not be empty')
    .nullish()
    .transform((text) => text ?? undefined);

/** A part of an update: absent and `null` leave the value as it is, blank is the empty text. */
export const changedOrEmptied = (max = 255) =>
  wellFormed(max, {})
    .nullish()
    .transform((text) => text ?? undefined);

/** A sid that is looked up: any text, since a malformed one is simply not found (REST.md, Answers). */
export const lookup = () =>
  z
    .string()
    .nullish()
    .transform((text) => (text ? sought(text) : undefined));

/**
 * Validates an input object.
 * @throws InvalidInputError MISSING_PARAMETER naming every missing parameter, else INVALID_PARAMETER for the first invalid one.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const found = parsed.error.issues;
  const issues: InputIssue[] = found.map((issue) => ({ path: issue.path.map(String), message: issue.message }));
  const missing = issues.filter((issue) => issue.message === MISSING);
  if (missing.length > 0) {
    throw new InvalidInputError(
      'MISSING_PARAMETER',
      `Mandatory parameter ${missing.map((issue) => issue.path.join('.')).join(',')} is missing.`,
      missing,
    );
  }
  const first = issues[0] ?? { path: [], message: 'is malformed' };
  const secret = found[0]?.code === 'custom' && found[0].params?.secret;
  throw invalidParameter(first.path, first.message, secret ? undefined : valueAt(input, first.path), issues);
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
