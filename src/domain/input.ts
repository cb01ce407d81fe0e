import * as z from 'zod';
import { type InputIssue, InvalidInputError } from './errors.ts';
import { normalizeSid } from './values/sid.ts';
import { isPhoneNumber } from './values/text.ts';

const MISSING = 'is missing';
const EMPTY = 'must not be empty';

/** Marks a text whose value must not appear in an error. */
const SECRET = { secret: true };

/** A text from a caller: trimmed, without NUL (which PostgreSQL cannot store) or lone surrogates, at most `max` characters. */
const wellFormed = (max: number) => storable(z.string().trim(), max);

/** A password or another secret: as `wellFormed`, but never trimmed, and not shown in an error. */
const secret = (max = 1024) => storable(z.string(), max, SECRET);

function storable(text: z.ZodString, max: number, params = {}) {
  return text
    .refine((text) => !text.includes('\0'), { error: 'must not contain NUL', params })
    .refine((text) => text.isWellFormed(), { error: 'must be well-formed Unicode', params })
    .refine((text) => text.length <= max, { error: `must have at most ${max} characters`, params });
}

/** A mandatory text. A blank one counts as missing, so that one error names every missing parameter (REST.md, 451). */
export const mandatory = (max = 255) => wellFormed(max).refine((text) => text !== '', MISSING);

/** A mandatory secret, as it was given. One of white space alone counts as missing. */
export const mandatorySecret = (max?: number) => secret(max).refine((text) => text.trim() !== '', MISSING);

/** An optional text: `null`, absent and blank are all `undefined`. */
export const optional = (max = 255) =>
  wellFormed(max)
    .nullish()
    .transform((text) => text || undefined);

/** A field of an update: absent and `null` leave the stored value, a blank one is refused. */
export const changed = (max = 255) =>
  wellFormed(max)
    .refine((text) => text !== '', EMPTY)
    .nullish()
    .transform((text) => text ?? undefined);

/** A secret field of an update, as it was given. */
export const changedSecret = () =>
  secret()
    .refine((text) => text.trim() !== '', EMPTY)
    .nullish()
    .transform((text) => text ?? undefined);

/** A field of an update: absent and `null` leave the stored value, a blank one is the empty text. */
export const changedOrEmptied = (max = 255) =>
  wellFormed(max)
    .nullish()
    .transform((text) => text ?? undefined);

/** Whether the text is a phone number, absent or blank: `mandatory` and `changed` decide whether it may be absent or blank. */
export const isBlankOrPhoneNumber = (text: string | undefined): boolean => !text || isPhoneNumber(text);
export const NOT_A_PHONE_NUMBER = 'must be 3 to 18 digits with an optional leading +';

/** The sid of a row to look up: any text, since a malformed sid is not found (REST.md, Answers). */
export const lookup = () =>
  z
    .string()
    .nullish()
    .transform((text) => (text ? normalizeSid(text) : undefined));

/** Input that may carry an idempotency key. */
export type Keyed = { idempotencyKey?: string | null };

/**
 * Validates an input object.
 * @returns the object as the schema transforms it
 * @throws InvalidInputError MISSING_PARAMETER naming every missing parameter, else INVALID_PARAMETER for the first invalid one
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [firstIssue] = parsed.error.issues;
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
  const isSecret = firstIssue?.code === 'custom' && firstIssue.params?.secret;
  throw invalidParameter(first.path, first.message, isSecret ? undefined : valueAt(input, first.path), issues);
}

/**
 * Makes an INVALID_PARAMETER error with the message `Parameter x is invalid: why` (REST.md, 450).
 * @param path the parameter's path from the input object
 * @param value the offending value; only a text, number or boolean is shown
 */
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
