import { isoInstant } from '../database/instants.ts';

/** How a column's value, in the database's text form, becomes the graph's value. */
export interface Form {
  /** Returns the value as JSON. */
  readonly write: (value: string) => string;
  /** Returns the value that this JSON would be parsed to. */
  readonly read: (value: string) => unknown;
}

/** The characters that JSON must escape. PostgreSQL's texts are UTF-8, so they contain no lone surrogates. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: matches them on purpose
const ESCAPED = /["\\\u0000-\u001f]/;

const asIs = (value: string) => value;
const isTrue = (value: string) => value.startsWith('t');

export const text: Form = { write: (value) => (ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`), read: asIs };
export const number: Form = { write: asIs, read: Number };
export const boolean: Form = { write: (value) => (isTrue(value) ? 'true' : 'false'), read: isTrue };
export const instant: Form = { write: (value) => `"${isoInstant(value)}"`, read: isoInstant };
/** A list, which is JSON already. */
export const list: Form = { write: asIs, read: (value) => JSON.parse(value) as unknown };

export function globalIdOf(type: string): Form {
  const read = (sid: string) => Buffer.from(`${type}:${sid}`).toString('base64');
  return { write: (sid) => `"${read(sid)}"`, read };
}

/** For a nullable column in the form of database/lists/packed.ts. */
export const nullOr = ({ write, read }: Form): Form => ({
  write: (value) => (value === '' ? 'null' : write(value.slice(1))),
  read: (value) => (value === '' ? null : read(value.slice(1))),
});
