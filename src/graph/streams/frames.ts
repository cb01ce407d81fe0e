import type { Duplex } from 'node:stream';
import type { Rendered } from '../../live/updates.ts';

/** The first byte of an unmasked, final text frame (RFC 6455, 5.2). */
const FINAL_TEXT = 0x81;
const BEFORE_ID = '{"id":';
const BEFORE_PAYLOAD = ',"type":"next","payload":';

/** Frames with gaps for an operation id. */
interface FrameTemplate {
  bytes: Buffer;
  readonly idOffsets: readonly number[];
}

/** By results and the id's length in bytes. Collected with the results. */
const templates = new WeakMap<readonly Rendered[], Map<number, FrameTemplate>>();

/**
 * Writes results as the `next` messages of a subscription (graphql-transport-ws protocol), in WebSocket frames, by one write. They are serialized once for
 * all subscriptions whose ids have the same length; each writes its id into the same bytes, unless the network still holds them.
 * @param id as JSON text
 */
export function writeFrames(network: Duplex, results: readonly Rendered[], id: string): void {
  const template = templateFor(results, Buffer.byteLength(id));
  const { bytes, idOffsets } = template;
  for (const offset of idOffsets) bytes.write(id, offset);
  network.write(bytes);
  // Bytes that the kernel has not taken are kept where they are until it does.
  if (network.writableLength > 0) template.bytes = Buffer.from(bytes);
}

function templateFor(results: readonly Rendered[], idLength: number): FrameTemplate {
  const byLength = templates.get(results) ?? new Map<number, FrameTemplate>();
  templates.set(results, byLength);
  const template = byLength.get(idLength) ?? makeTemplate(results, idLength);
  byLength.set(idLength, template);
  return template;
}

function makeTemplate(results: readonly Rendered[], idLength: number): FrameTemplate {
  const parts: Buffer[] = [];
  const idOffsets: number[] = [];
  let length = 0;
  for (const { json } of results) {
    const [before, after] = [Buffer.from(BEFORE_ID), Buffer.from(`${BEFORE_PAYLOAD}${json}}`)];
    const header = frameHeader(before.length + idLength + after.length);
    idOffsets.push(length + header.length + before.length);
    parts.push(header, before, Buffer.alloc(idLength), after);
    length += header.length + before.length + idLength + after.length;
  }
  return { bytes: Buffer.concat(parts, length), idOffsets };
}

/** @param length of the payload, in bytes */
function frameHeader(length: number): Buffer {
  if (length < 126) return Buffer.from([FINAL_TEXT, length]);
  if (length < 65536) return Buffer.from([FINAL_TEXT, 126, length >> 8, length & 255]);
  const header = Buffer.alloc(10);
  header.writeUInt16BE((FINAL_TEXT << 8) | 127);
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
