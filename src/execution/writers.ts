import { isoInstant } from '../database/instants.ts';

/** Writes a value, as it came from the database, as the JSON that JSON.stringify would make of what the graph shows. */
export type Writer = (value: string) => string;

/** What JSON has to escape; a lone surrogate can't be, for PostgreSQL's texts are UTF-8. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPED = /["\\\u0000-\u001f]/;

export const text: Writer = (value) => (ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`);
/** Numbers, and lists, which are JSON already. */
export const asIs: Writer = (value) => value;
export const boolean: Writer = (value) => (value.startsWith('t') ? 'true' : 'false');
export const instant: Writer = (value) => `"${isoInstant(value)}"`;
export const globalIdOf =
  (type: string): Writer =>
  (sid) =>
    `"${Buffer.from(`${type}:${sid}`).toString('base64')}"`;

/** Of a nullable column, as database/packed.ts has it. */
export const nullOr =
  (write: Writer): Writer =>
  (value) =>
    value === '' ? 'null' : write(value.slice(1));
