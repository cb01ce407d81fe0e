import { isoInstant } from '../database/instants.ts';

/** Converts a value in the database's text form to the JSON of the graph's value. */
export type Writer = (value: string) => string;

/** The characters that JSON must escape. PostgreSQL's texts are UTF-8, so they contain no lone surrogates. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: matches them on purpose
const ESCAPED = /["\\\u0000-\u001f]/;

export const text: Writer = (value) => (ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`);
/** For numbers, and for lists, which are JSON already. */
export const asIs: Writer = (value) => value;
export const boolean: Writer = (value) => (value.startsWith('t') ? 'true' : 'false');
export const instant: Writer = (value) => `"${isoInstant(value)}"`;
export const globalIdOf =
  (type: string): Writer =>
  (sid) =>
    `"${Buffer.from(`${type}:${sid}`).toString('base64')}"`;

/** For a nullable column in the form of database/lists/packed.ts. */
export const nullOr =
  (write: Writer): Writer =>
  (value) =>
    value === '' ? 'null' : write(value.slice(1));
