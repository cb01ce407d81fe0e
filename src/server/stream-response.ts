import { ServerResponse } from 'node:http';
import { PassThrough, type Writable } from 'node:stream';
import { TextHeaders } from './text-headers.ts';

/** The body of a response that is sent as it comes to be, for as long as its connection is open. */
export interface StreamBody {
  /** Starts sending. Called once, unless the body is discarded. */
  begin(outlet: Outlet): void;
  /** Ends it without sending anything more: nobody reads it. */
  discard(): void;
}

/** A response with such a body. A Response's ReadableStream would cost more for each piece than sending it. */
export class StreamResponse {
  readonly status = 200;
  readonly headers: TextHeaders;
  readonly body: StreamBody;

  constructor(body: StreamBody, headers: Readonly<Record<string, string>>) {
    this.body = body;
    this.headers = new TextHeaders(headers);
  }

  /** The equivalent Response. */
  toResponse(): Response {
    const through = new PassThrough();
    this.body.begin(new Outlet(through));
    return new Response(webStreamOf(through), { status: this.status, headers: this.headers.all });
  }
}

/** Converts a stream. Node 20's Readable.toWeb throws, where nobody can catch it, if data comes after the reader has left. */
function webStreamOf(through: PassThrough): ReadableStream<Uint8Array> {
  let isOpen = true;
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      const close = () => {
        if (isOpen) controller.close();
        isOpen = false;
      };
      const fail = () => {
        if (isOpen) controller.error(new Error('the body was broken off'));
        isOpen = false;
      };
      through.on('data', (chunk: Buffer) => {
        if (!isOpen) return;
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) through.pause();
      });
      through.once('end', close).once('close', () => (through.readableEnded ? close() : fail()));
    },
    pull: () => void through.resume(),
    cancel: () => {
      isOpen = false;
      through.destroy();
    },
  });
}

/** Bytes that many bodies send, framed for each kind of connection once. */
export class SharedBytes {
  readonly plain: Buffer;
  #chunk: Buffer | undefined;

  constructor(text: string) {
    this.plain = Buffer.from(text);
  }

  /** As a chunk of `Transfer-Encoding: chunked` (RFC 9112, 7.1). */
  get chunk(): Buffer {
    this.#chunk ??= Buffer.concat([Buffer.from(`${this.plain.length.toString(16)}\r\n`), this.plain, Buffer.from('\r\n')]);
    return this.#chunk;
  }
}

/** The connection that a body is sent to. */
export class Outlet {
  readonly #to: Writable;

  constructor(to: Writable) {
    this.#to = to;
  }

  /** Whether bytes are waiting for the client to read. */
  get isBehind(): boolean {
    return this.#to.writableLength > 0;
  }

  /**
   * Sends bytes.
   * @param sent called when they are handed to the network, or the connection is lost
   */
  write({ plain }: SharedBytes, sent: () => void = () => {}): void {
    this.#to.write(plain, sent);
  }

  /** Sends bytes that others are sent, too. node's response would frame them again for each, as four pieces. Only while it is not behind. */
  writeShared(bytes: SharedBytes): void {
    const to = this.#to;
    if (to instanceof ServerResponse && to.chunkedEncoding && to.socket && to.headersSent) to.socket.write(bytes.chunk);
    else this.write(bytes);
  }

  /** Sends the last text, and closes. */
  end(text: string): void {
    this.#to.end(text);
  }

  /** Breaks the connection off, so that the client knows that the body is not complete. */
  abort(): void {
    this.#to.destroy();
  }

  /** Calls back once the connection is lost or closed: at once, if it already is. */
  onClose(closed: () => void): void {
    if (this.#to.destroyed) closed();
    else this.#to.once('close', closed);
  }
}
