import type { Logger } from 'pino';
import type { CredentialWatch, Watched } from '../admission/credential-watch.ts';
import type { Caller } from '../domain/caller.ts';
import { type Outlet, SharedBytes, type StreamBody } from '../server/stream-response.ts';

/** How long a client may take for a piece, in ms: one that has stopped reading must not keep its place for ever. */
const PIECE_MS = 60_000;

interface DownloadOptions {
  readonly caller: Caller;
  readonly credentials: CredentialWatch;
  readonly log: Pick<Logger, 'error'>;
  /** Called once the body has ended, however it does. */
  readonly ended: () => void;
}

/**
 * A file that is sent as it is read. A piece is read only when the one before has been handed to the network, so that a slow client fills no memory. It
 * ends when its client leaves, and is broken off when the client stops reading, and when the caller's credentials end.
 */
export class Download implements StreamBody {
  readonly #first: IteratorResult<string>;
  readonly #pieces: AsyncGenerator<string>;
  readonly #options: DownloadOptions;
  #outlet: Outlet | undefined;
  #isAborted = false;

  /** @param first of the pieces, already read: what is wrong with the file is known before the response begins */
  constructor(first: IteratorResult<string>, pieces: AsyncGenerator<string>, options: DownloadOptions) {
    this.#first = first;
    this.#pieces = pieces;
    this.#options = options;
  }

  begin(outlet: Outlet): void {
    const { caller, credentials, log } = this.#options;
    this.#outlet = outlet;
    if (this.#isAborted) outlet.abort();
    let isOpen = true;
    const watched: Watched = { caller, end: () => outlet.abort() };
    credentials.watch(watched);
    const closed = new Promise<void>((resolve) => {
      outlet.onClose(() => {
        isOpen = false;
        resolve();
      });
    });
    this.#send(outlet, closed, () => isOpen)
      .catch((error) => {
        log.error({ err: error, requestId: caller.requestId }, 'a download was broken off');
        outlet.abort();
      })
      .finally(() => {
        credentials.unwatch(watched);
        this.discard();
      });
  }

  async #send(outlet: Outlet, closed: Promise<void>, isOpen: () => boolean): Promise<void> {
    for (let piece = this.#first; !piece.done; piece = await this.#pieces.next()) {
      if (!isOpen()) return;
      const { value } = piece;
      if (value === '') continue;
      const stalled = setTimeout(() => outlet.abort(), PIECE_MS).unref();
      await Promise.race([closed, new Promise<void>((sent) => outlet.write(new SharedBytes(value), sent))]);
      clearTimeout(stalled);
    }
    if (isOpen()) outlet.end('');
  }

  /** Breaks it off: its client knows that the file is not complete. */
  abort(): void {
    this.#isAborted = true;
    this.#outlet?.abort();
  }

  discard(): void {
    void this.#pieces.return(undefined);
    this.#options.ended();
  }
}
