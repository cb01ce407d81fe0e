/** Reads the frames that a server sends on a WebSocket (RFC 6455, 5.2): whole, unmasked and short ones, as the bench's servers send them. */
export class FrameReader {
  onText: (text: string) => void = () => {};
  onPing: () => void = () => {};
  #rest: Buffer | undefined;

  read(chunk: Buffer): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const { begin, end } = payloadAt(bytes, at);
      if (end > bytes.length) break;
      const opcode = (bytes[at] ?? 0) & 0xf;
      if (opcode === 1) this.onText(bytes.toString('latin1', begin, end));
      else if (opcode === 9) this.onPing();
      at = end;
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined;
  }
}

/** Where the payload of the frame at `at` is. Beyond the bytes if its header is not complete. */
function payloadAt(bytes: Buffer, at: number): { begin: number; end: number } {
  const beyond = { begin: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };
  if (bytes.length < at + 2) return beyond;
  const length = (bytes[at + 1] ?? 0) & 0x7f;
  if (length < 126) return { begin: at + 2, end: at + 2 + length };
  if (length > 126) throw new Error('A text of more than 64 KiB');
  if (bytes.length < at + 4) return beyond;
  return { begin: at + 4, end: at + 4 + bytes.readUInt16BE(at + 2) };
}

/** A client's frame, with a mask of zeros. */
export function maskedFrame(opcode: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const header =
    payload.length < 126 ? [0x80 | opcode, 0x80 | payload.length] : [0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([...header, 0, 0, 0, 0]), payload]);
}

/** The whole server-sent events in a text, and what follows them. */
export function eventsIn(text: string): { events: readonly string[]; rest: string } {
  const parts = text.split('\n\n');
  const rest = parts.pop() ?? '';
  return { events: parts, rest };
}
