import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { InvalidInputError } from '../errors.ts';
import { withoutApostrophe } from './formats.ts';

/** A row of a file. `line` is the last line of it. */
export interface ImportedRow {
  readonly line: number;
  readonly name: string;
  readonly microsoftAddress: string;
  readonly externalAddress: string;
}

/** How many rows a file may have. */
export const MAX_ROWS = 10_000;
/** The largest file, in bytes: 10,000 of the longest rows, in UTF-16. */
const MAX_BYTES = 32 * 1024 * 1024;
/** The longest row, in characters: a little more than its fields may have. */
const MAX_ROW = 4096;

const COLUMNS = ['name', 'microsoftAddress', 'externalAddress'] as const;

/** Makes the error for a file that cannot be read. */
const malformed = (message: string) => new InvalidInputError('INVALID_PARAMETER', message, [{ path: ['file'], message }]);

/**
 * Reads a file of mappings as it arrives: CSV with a header (separated by commas, semicolons or tabs), or JSON lines, in UTF-8 or, with a byte order mark,
 * UTF-16. Other columns are ignored. No more than a row is kept in memory.
 * @throws InvalidInputError INVALID_PARAMETER or MISSING_PARAMETER, which names the line
 */
export async function* readImportFile(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ImportedRow> {
  const texts = decoded(chunks);
  let begin = '';
  // A header is shorter than a row.
  while (!/[\r\n]/.test(begin.trimStart()) && begin.length < MAX_ROW) {
    const next = await texts.next();
    if (next.done) break;
    begin += next.value;
  }
  if (begin.trim() === '') throw malformed('The file is empty');
  const all = joined(begin, texts);
  let count = 0;
  for await (const row of begin.trimStart().startsWith('{') ? jsonRows(all) : csvRows(all, separatorOf(begin))) {
    count += 1;
    if (count > MAX_ROWS) throw malformed(`The file has more than ${MAX_ROWS.toLocaleString('en')} rows`);
    const { line, ...fields } = row;
    for (const [field, text] of Object.entries(fields)) {
      if (text.includes('\0') || !text.isWellFormed()) throw malformed(`Line ${line}: ${field} must be well-formed text without NUL`);
    }
    yield row;
  }
  if (count === 0) throw malformed('The file has no rows');
}

async function* joined(begin: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield begin;
  yield* rest;
}

/** @throws InvalidInputError for bytes that are not in the encoding: replacing them would silently change what the file has */
async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let first = Buffer.alloc(0);
  let length = 0;
  const decode = (chunk: Uint8Array, stream: boolean) => {
    decoder ??= new TextDecoder(encodingOf(first), { fatal: true });
    try {
      return decoder.decode(chunk, { stream });
    } catch {
      throw malformed(`The file is not ${decoder.encoding === 'utf-8' ? 'UTF-8. Save it as "CSV UTF-8"' : decoder.encoding.toUpperCase()}`);
    }
  };
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_BYTES) throw malformed(`The file is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
    if (decoder) yield decode(chunk, true);
    else {
      first = Buffer.concat([first, chunk]);
      if (first.length >= 2) yield decode(first, true);
    }
  }
  yield decode(decoder ? new Uint8Array() : first, false);
}

/** By the byte order mark, which Excel writes. */
const encodingOf = ([one, other]: Uint8Array): string =>
  one === 0xff && other === 0xfe ? 'utf-16le' : one === 0xfe && other === 0xff ? 'utf-16be' : 'utf-8';

/** The separator of the header: columns' names have none. */
const separatorOf = (begin: string): string => /[,;\t]/.exec(begin.trimStart().split(/[\r\n]/, 1)[0] ?? '')?.[0] ?? ',';

async function* csvRows(texts: AsyncIterable<string>, delimiter: string): AsyncGenerator<ImportedRow> {
  const parser = parse({
    ...{ delimiter, info: true, skip_empty_lines: true, max_record_size: MAX_ROW },
    columns: (header: string[]) => columnsOf(header),
  });
  Readable.from(texts)
    .on('error', (error) => parser.destroy(error))
    .pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Record<string, string>; info: { lines: number } }>) {
      const text = (column: string) => withoutApostrophe(record[column] ?? '');
      yield { line: info.lines, name: text('name'), microsoftAddress: text('microsoftAddress'), externalAddress: text('externalAddress') };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as unknown as { lines?: number };
    throw malformed(`Line ${lines ?? 1}: ${reasonOf(error)}`);
  }
}

/** csv-parse's own messages quote the row. */
function reasonOf({ code }: CsvError): string {
  if (code === 'CSV_RECORD_INCONSISTENT_COLUMNS') return 'the row does not have as many fields as the header';
  if (code === 'CSV_MAX_RECORD_SIZE') return `the row is longer than ${MAX_ROW} characters, or a quote is not closed`;
  return 'a quote is not closed, or is not at the beginning of its field';
}

/**
 * Recognizes the columns of a header, whatever their case and order. Other columns are ignored.
 * @throws InvalidInputError MISSING_PARAMETER
 */
function columnsOf(header: readonly string[]): (string | false)[] {
  const names = header.map((given) => COLUMNS.find((column) => column.toLowerCase() === given.trim().toLowerCase()) ?? false);
  const missing = COLUMNS.filter((column) => column !== 'name' && !names.includes(column));
  if (missing.length > 0) {
    const issues = missing.map((column) => ({ path: ['file', column], message: 'is missing' }));
    throw new InvalidInputError(
      'MISSING_PARAMETER',
      `Line 1: the header must name the columns ${COLUMNS.join(', ')}; ${missing.join(', ')} is missing`,
      issues,
    );
  }
  const twice = COLUMNS.find((column) => names.indexOf(column) !== names.lastIndexOf(column));
  if (twice) throw malformed(`Line 1: the header names ${twice} twice`);
  return names;
}

async function* jsonRows(texts: AsyncIterable<string>): AsyncGenerator<ImportedRow> {
  let [rest, line] = ['', 0];
  for await (const text of texts) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const one of lines) {
      line += 1;
      if (one.trim() !== '') yield jsonRow(one, line);
    }
    if (rest.length > MAX_ROW) throw malformed(`Line ${line + 1}: the row is longer than ${MAX_ROW} characters`);
  }
  if (rest.trim() !== '') yield jsonRow(rest, line + 1);
}

function jsonRow(text: string, line: number): ImportedRow {
  if (text.length > MAX_ROW) throw malformed(`Line ${line}: the row is longer than ${MAX_ROW} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(`Line ${line}: the row is no JSON object`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`Line ${line}: the row is no JSON object`);
  const field = (column: string): string => {
    const given = (value as Record<string, unknown>)[column] ?? '';
    if (typeof given !== 'string' && typeof given !== 'number') throw malformed(`Line ${line}: ${column} is no text`);
    return String(given);
  };
  return { line, name: field('name'), microsoftAddress: field('microsoftAddress'), externalAddress: field('externalAddress') };
}
