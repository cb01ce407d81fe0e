import { isPhoneNumber } from '../values/text.ts';

/** How a file is written. */
export const fileFormats = ['csv', 'json-lines'] as const;
export type FileFormat = (typeof fileFormats)[number];

type FieldValue = string | number | Date | null;
/** A row of a file, by its columns. */
export type FileRow = Readonly<Record<string, FieldValue>>;

export const mediaTypes: Readonly<Record<FileFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  'json-lines': 'application/x-ndjson; charset=utf-8',
};
export const extensions: Readonly<Record<FileFormat, string>> = { csv: 'csv', 'json-lines': 'jsonl' };

/** Writes what precedes the rows: the columns' names, if the format has them. */
export const headOf = (format: FileFormat, columns: readonly string[]): string => (format === 'csv' ? csvLine(columns) : '');

/** Writes rows. */
export const rowsAsText = (format: FileFormat, columns: readonly string[], rows: readonly FileRow[]): string =>
  rows.map((row) => (format === 'csv' ? csvLine(columns.map((column) => row[column] ?? null)) : jsonLine(columns, row))).join('');

const jsonLine = (columns: readonly string[], row: FileRow): string =>
  `${JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column] ?? null])))}\n`;

/** Writes a line of RFC 4180. */
const csvLine = (values: readonly FieldValue[]): string => `${values.map(csvField).join(',')}\r\n`;

function csvField(value: FieldValue): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = value instanceof Date ? value.toISOString() : withoutFormula(value);
  return /[",;\t\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Texts that spreadsheets would run as formulas (OWASP, CSV Injection). */
const FORMULA = /^[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]/;

/** Prefixes a text that a spreadsheet would run as a formula with an apostrophe, which makes it a text there. A phone number is no formula. */
const withoutFormula = (text: string): string => (FORMULA.test(text) && !isPhoneNumber(text) ? `'${text}` : text);

/** Removes the apostrophe that `withoutFormula` adds. */
export const withoutApostrophe = (text: string): string => (text.startsWith("'") && FORMULA.test(text.slice(1)) ? text.slice(1) : text);
