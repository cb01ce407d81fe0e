import { isUtf8 } from 'node:buffer';
import { holdsBack } from './expect-continue.ts';
import { type AnyRequest, NodeRequest } from './node-request.ts';

/** How much of a body that is too large is read and discarded: a client that is still sending does not read the response. */
const DRAIN_MAX_BYTES = 16 * 1024 * 1024;
const BYTE_ORDER_MARK = 0xfeff;

/**
 * Reads a request's body.
 * @param max in bytes
 * @returns `undefined` if the body is larger, or the connection is lost, in which case nobody reads the response
 */
export async function readBytes(request: AnyRequest, max: number): Promise<Buffer | undefined> {
  if (Number(request.headers.get('content-length')) > (holdsBack(request.headers) ? max : DRAIN_MAX_BYTES)) return undefined;
  if (request instanceof NodeRequest) return request.bytes(max, DRAIN_MAX_BYTES);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length;
      if (length <= max) chunks.push(chunk);
      else if (length > DRAIN_MAX_BYTES) break;
    }
  } catch {
    return undefined;
  }
  return length > max ? undefined : Buffer.concat(chunks);
}

/**
 * Decodes a body. A byte order mark at its beginning is no part of the text (RFC 8259, 8.1).
 * @returns `undefined` if the bytes are not UTF-8: replacing them would silently change what the client has sent
 */
export function decodeUtf8(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString();
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

/**
 * Whether a body of JSON is declared to be in UTF-8, without a content encoding.
 * @param type the pattern of the accepted media types, in lower case
 */
export function isDeclaredAs(type: RegExp, headers: Pick<Headers, 'get'>): boolean {
  const declared = headers.get('content-type') ?? '';
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  // As most clients send it.
  if (declared === 'application/json' && encoding === 'identity') return true;
  const [given = '', ...parameters] = declared
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  return (
    encoding === 'identity' &&
    type.test(given) &&
    parameters.every((parameter) => !parameter.startsWith('charset') || /^charset="?utf-?8"?$/.test(parameter))
  );
}
