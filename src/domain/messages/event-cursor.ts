import { ConflictError } from '../errors.ts';
import type { LogHead } from './events.ts';

/** A place in an organization's log: opaque to callers, base64url of the log's name and the number of the last event they had. */
export const encodeEventCursor = (logId: string, seq: bigint): string => Buffer.from(`${logId}:${seq}`).toString('base64url');

/**
 * The number that a cursor stands for. Whose log it is, the credentials say: a cursor of another's is of another log.
 * @throws ConflictError CURSOR_INVALID for what is no cursor of this log, CURSOR_EXPIRED where events behind it are deleted
 */
export function decodeEventCursor(cursor: string, head: LogHead): bigint {
  const [, logId, digits] = /^([0-9a-f-]{36}):(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  if (!logId || !digits || logId !== head.logId || BigInt(digits) > head.seq) {
    throw new ConflictError('CURSOR_INVALID', 'The cursor is not one of this event log', { value: cursor, path: ['after'] });
  }
  if (BigInt(digits) < head.trimmed) throw cursorExpired(cursor);
  return BigInt(digits);
}

export const cursorExpired = (cursor: string) =>
  new ConflictError('CURSOR_EXPIRED', 'Events behind the cursor are deleted: read the present state and begin anew', {
    value: cursor,
    path: ['after'],
  });
