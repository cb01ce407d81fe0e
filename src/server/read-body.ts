import { type AnyRequest, NodeRequest } from './node-request.ts';

/** How much of a body that is too large is read and discarded: a client that is still sending does not read the response. */
const DRAIN_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads a request's body.
 * @param max in bytes
 * @returns `undefined` if the body is larger, or the connection is lost, in which case nobody reads the response
 */
export async function readBytes(request: AnyRequest, max: number): Promise<Buffer | undefined> {
  if (Number(request.headers.get('content-length')) > DRAIN_MAX_BYTES) return undefined;
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
