import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { ConflictError } from '../errors.ts';
import type { LogHead } from './events.ts';

// A position is one block: eight bytes of zeros, which recognize it, and the number of the last event that the caller has. It is encrypted (AES-128), since
// credentials for one enterprise must not read from a cursor how many events the whole organization has. The key is made from the log's id, which is random
// and which no caller is shown. One block alone needs no mode: equal positions have equal cursors.

const ALGORITHM = 'aes-128-ecb';
const BLOCK_BYTES = 16;
const NUMBER_AT = 8;
/** How many logs' ciphers are kept. Making one costs more than using it for some events. */
const MAX_CIPHERS = 256;

const ciphers = new Map<string, ReturnType<typeof createCipheriv>>();

const keyOf = (logId: string): Buffer => createHash('sha256').update(`event cursor ${logId}`).digest().subarray(0, BLOCK_BYTES);

function cipherOf(logId: string): ReturnType<typeof createCipheriv> {
  const kept = ciphers.get(logId);
  if (kept) return kept;
  if (ciphers.size >= MAX_CIPHERS) ciphers.clear();
  const made = createCipheriv(ALGORITHM, keyOf(logId), null).setAutoPadding(false);
  ciphers.set(logId, made);
  return made;
}

/** Encodes a position in an event log, opaque to callers. */
export function encodeEventCursor(logId: string, seq: bigint): string {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.writeBigUInt64BE(seq, NUMBER_AT);
  return cipherOf(logId).update(block).toString('base64url');
}

/**
 * Decodes a cursor of the log with this head, which is the log of the caller's organization: a cursor of another organization's log is invalid.
 * @returns the number of the last event that the caller has
 * @throws ConflictError CURSOR_INVALID for anything but a cursor of this log, CURSOR_EXPIRED where events after it have been deleted
 */
export function decodeEventCursor(cursor: string, head: LogHead): bigint {
  const seq = positionOf(cursor, head);
  if (seq === undefined) {
    throw cursorInvalid(cursor);
  }
  if (seq < head.trimmed) throw cursorExpired(cursor);
  return seq;
}

/** Returns a cursor's number in the log with this head, perhaps of an event that is deleted; `undefined` for anything but a cursor of this log. */
export function positionOf(cursor: string, { logId, seq: last }: LogHead): bigint | undefined {
  const bytes = Buffer.from(cursor, 'base64url');
  const seq = bytes.length === BLOCK_BYTES ? opened(bytes, logId) : formerly(bytes, logId);
  return seq !== undefined && seq <= last ? seq : undefined;
}

function opened(bytes: Buffer, logId: string): bigint | undefined {
  const block = createDecipheriv(ALGORITHM, keyOf(logId), null).setAutoPadding(false).update(bytes);
  return block.readBigUInt64BE() === 0n ? block.readBigUInt64BE(NUMBER_AT) : undefined;
}

/** Reads a cursor as they were until 0.1: `<log id>:<number>`. Clients have kept some. */
function formerly(bytes: Buffer, logId: string): bigint | undefined {
  const [, id, digits] = /^([0-9a-f-]{36}):(\d{1,18})$/.exec(bytes.toString('latin1')) ?? [];
  return id === logId && digits !== undefined ? BigInt(digits) : undefined;
}

export const cursorInvalid = (cursor: string) =>
  new ConflictError('CURSOR_INVALID', 'The cursor does not belong to this event log', { value: cursor, path: ['after'] });

export const cursorExpired = (cursor: string) =>
  new ConflictError('CURSOR_EXPIRED', 'Events after the cursor have been deleted: query the current state and start without a cursor', {
    value: cursor,
    path: ['after'],
  });
