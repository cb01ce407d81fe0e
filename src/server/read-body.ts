import { type AnyRequest, NodeRequest } from './node-request.ts';

/** How much of a body that is too large is read to its end, for its sender to be ready to listen to the answer. */
const READ_ANYWAY_BYTES = 16 * 1024 * 1024;

/** A request's body; `undefined` where it has more than `max` bytes, or breaks off: then nobody hears the answer. */
export async function readBytes(request: AnyRequest, max: number): Promise<Buffer | undefined> {
  if (Number(request.headers.get('content-length')) > READ_ANYWAY_BYTES) return undefined;
  if (request instanceof NodeRequest) return request.bytes(max, READ_ANYWAY_BYTES);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length;
      if (length <= max) chunks.push(chunk);
      else if (length > READ_ANYWAY_BYTES) break;
    }
  } catch {
    return undefined;
  }
  return length > max ? undefined : Buffer.concat(chunks);
}
