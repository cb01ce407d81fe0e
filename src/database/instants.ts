import pg from 'pg';

export const TIMESTAMPTZ = 1184;
const anyInstant = pg.types.getTypeParser(TIMESTAMPTZ, 'text') as (text: string) => Date;

/** `2026-11-05 11:59:34.12+00`, as a server in UTC writes it, taken apart by place: a page has dozens of them, and the general parser is slow. */
export function instant(text: string): Date {
  if (!isCommon(text)) return anyInstant(text);
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

/** The same in ISO 8601 with milliseconds, as Date's toISOString has it. */
export function isoInstant(text: string): string {
  if (!isCommon(text)) return anyInstant(text).toISOString();
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${milliseconds(text)}Z`;
}

/** Date.UTC takes years below 100 for those of the twentieth century. */
const isCommon = (text: string) => text.charCodeAt(4) === DASH && digits(text, 0, 4) >= 100 && text.endsWith('+00') && text.length <= 26;

const milliseconds = (text: string) => (text.length > 22 ? text.slice(20, -3).padEnd(3, '0') : '000');

const DASH = 45;
const ZERO = 48;

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let place = from; place < to; place += 1) value = value * 10 + text.charCodeAt(place) - ZERO;
  return value;
}
