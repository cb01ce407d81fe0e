import { ConflictError } from '../errors.ts';
import type { LogHead } from './events.ts';

/** Encodes a position in an event log, opaque to callers: base64url of `<log id>:<number of the last event that the caller has>`. */
export const encodeEventCursor = (logId: string, seq: bigint): string => Buffer.from(`${logId}:${seq}`).toString('base64url');

/**
 * Decodes a cursor of the log with this head, which is the log of the caller's organization: a cursor of another organization's log is invalid.
 * @returns the number of the last event that the caller has
 * @throws ConflictError CURSOR_INVALID for anything but a cursor of this log, CURSOR_EXPIRED where events after it have been deleted
 */
export function decodeEventCursor(cursor: string, head: LogHead): bigint {
  const seq = positionOf(cursor, head);
  if (seq === undefined) {
    throw new ConflictError('CURSOR_INVALID', 'The cursor does not belong to this event log', { value: cursor, path: ['after'] });
  }
  if (seq < head.trimmed) throw cursorExpired(cursor);
  return seq;
}

/** Returns a cursor's number in the log with this head, perhaps of an event that is deleted; `undefined` for anything but a cursor of this log. */
export function positionOf(cursor: string, head: LogHead): bigint | undefined {
  const [, logId, digits] = /^([0-9a-f-]{36}):(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  return logId === head.logId && digits !== undefined && BigInt(digits) <= head.seq ? BigInt(digits) : undefined;
}

export const cursorExpired = (cursor: string) =>
  new ConflictError('CURSOR_EXPIRED', 'Events after the cursor have been deleted: query the current state and start without a cursor', {
    value: cursor,
    path: ['after'],
  });
