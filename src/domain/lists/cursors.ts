import { instant } from '../../database/instants.ts';
import { invalidParameter } from '../input.ts';

/** A position in a list's order, whether or not there is (still) a row. */
export interface CursorPosition {
  value: string | Date;
  sid: string;
}

/** Encodes a cursor, which is opaque to callers: base64url of the JSON `[list, order field, sort value, sid]`, times in ms since 1970. */
export function encodeCursor(list: string, field: string, value: unknown, sid: string): string {
  return Buffer.from(JSON.stringify([list, field, value instanceof Date ? value.getTime() : value, sid])).toString('base64url');
}

/** Encodes a cursor from a sort value as the database writes it. */
export const encodePackedCursor = (list: string, field: string, value: string, sid: string) =>
  encodeCursor(list, field, isTime(field) ? instant(value) : value, sid);

/**
 * Decodes a cursor.
 * @param parameter the argument that contains it, for the error
 * @param field the order field, with a colon and its version if it has one
 * @throws InvalidInputError INVALID_PARAMETER for a cursor of another list, order or version, or any other text
 */
export function decodeCursor(cursor: string, list: string, field: string, parameter: string): CursorPosition {
  const parts = parseCursor(cursor);
  if (parts?.[0] !== list) throw invalidParameter([parameter], 'is not a cursor of this list', cursor);
  const [, cursorField, value, sid] = parts;
  if (cursorField !== field) {
    const [cursorOrder, order] = [orderOf(cursorField), orderOf(field)];
    const why =
      cursorOrder === order ? 'is out of date: read from the first page' : `is a cursor of the order ${cursorOrder}, not ${order}`;
    throw invalidParameter([parameter], why, cursor);
  }
  return { value: typeof value === 'number' ? new Date(value) : value, sid };
}

/** The order field without its version. */
const orderOf = (field: string) => field.split(':')[0];

const TIMES: ReadonlySet<string> = new Set(['DATE_CREATED', 'LAST_MESSAGE', 'UNANSWERED_SINCE']);
const isTime = (field: string) => TIMES.has(field);

/** The years 1 to 9999, in ms since 1970, which all databases and formats in use can represent. */
const MIN_TIME = Date.parse('0001-01-01T00:00:00Z');
const MAX_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function parseCursor(cursor: string): [list: string, field: string, value: string | number, sid: string] | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [list, field, value, sid] = parts as unknown[];
  const isText = (part: unknown): part is string => typeof part === 'string' && !part.includes('\0') && part.isWellFormed();
  if (typeof list !== 'string' || !isText(field) || !/^[A-Z_]+(?::[0-9])?$/.test(field) || !isText(sid)) return undefined;
  if (isTime(field) ? !(Number.isInteger(value) && (value as number) >= MIN_TIME && (value as number) <= MAX_TIME) : !isText(value))
    return undefined;
  return [list, field, value as string | number, sid];
}
