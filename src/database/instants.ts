import pg from 'pg';

/** The OID of PostgreSQL's type timestamptz. */
export const TIMESTAMPTZ = 1184;
const parseAny = pg.types.getTypeParser(TIMESTAMPTZ, 'text') as (text: string) => Date;

/**
 * Parses a timestamptz as a server in UTC writes it, such as `2026-11-05 11:59:34.12+00`. The common form is read by position, since pg's parser is slow
 * and a page has dozens of timestamps.
 */
export function instant(text: string): Date {
  if (!isCommonForm(text)) return parseAny(text);
  const fraction = text.length > 22 ? Number(milliseconds(text)) : 0;
  return new Date(
    Date.UTC(
      digits(text, 0, 4),
      digits(text, 5, 7) - 1,
      digits(text, 8, 10),
      digits(text, 11, 13),
      digits(text, 14, 16),
      digits(text, 17, 19),
      fraction,
    ),
  );
}

/** Converts a timestamptz to ISO 8601 with milliseconds, in the form of Date's toISOString. */
export function isoInstant(text: string): string {
  if (!isCommonForm(text)) return parseAny(text).toISOString();
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${milliseconds(text)}Z`;
}

/** Excludes years below 100, which Date.UTC maps to the twentieth century. */
const isCommonForm = (text: string) =>
  text.charCodeAt(4) === DASH && digits(text, 0, 4) >= 100 && text.endsWith('+00') && text.length <= 26;

const milliseconds = (text: string) => (text.length > 22 ? text.slice(20, -3).padEnd(3, '0') : '000');

const DASH = 45;
const ZERO = 48;

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let index = from; index < to; index += 1) value = value * 10 + text.charCodeAt(index) - ZERO;
  return value;
}
