import type { Rendered } from '../../live/updates.ts';

/** A text message of one frame, not masked, as a server sends it (RFC 6455, 5.2). */
const TEXT = 0x81;
const BEFORE_ID = '{"id":';
const BEFORE_PAYLOAD = ',"type":"next","payload":';

/** Answers as frames with room for an id. */
interface Template {
  readonly bytes: Buffer;
  readonly idsAt: readonly number[];
}

/** Of answers, their templates by the length of the id. They go with the answers. */
const templates = new WeakMap<readonly Rendered[], Map<number, Template>>();

/**
 * Answers as the `next` messages of one subscription, in frames, for one write. They are serialized once for all subscriptions whose ids have equally
 * many bytes, and copied for each.
 * @param id as JSON text
 */
export function framesOf(answers: readonly Rendered[], id: string): Buffer {
  const { bytes, idsAt } = templateFor(answers, Buffer.byteLength(id));
  const frames = Buffer.allocUnsafe(bytes.length);
  frames.set(bytes);
  for (const at of idsAt) frames.write(id, at);
  return frames;
}

function templateFor(answers: readonly Rendered[], idLength: number): Template {
  const byLength = templates.get(answers) ?? new Map<number, Template>();
  templates.set(answers, byLength);
  const template = byLength.get(idLength) ?? makeTemplate(answers, idLength);
  byLength.set(idLength, template);
  return template;
}

function makeTemplate(answers: readonly Rendered[], idLength: number): Template {
  const parts: Buffer[] = [];
  const idsAt: number[] = [];
  let length = 0;
  for (const { json } of answers) {
    const [before, after] = [Buffer.from(BEFORE_ID), Buffer.from(`${BEFORE_PAYLOAD}${json}}`)];
    const head = headOf(before.length + idLength + after.length);
    idsAt.push(length + head.length + before.length);
    parts.push(head, before, Buffer.alloc(idLength), after);
    length += head.length + before.length + idLength + after.length;
  }
  return { bytes: Buffer.concat(parts, length), idsAt };
}

function headOf(length: number): Buffer {
  if (length < 126) return Buffer.from([TEXT, length]);
  if (length < 65536) return Buffer.from([TEXT, 126, length >> 8, length & 255]);
  const head = Buffer.alloc(10);
  head.writeUInt16BE((TEXT << 8) | 127);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}
