import type { Interest } from '../database/interest.ts';
import { type AnyRequest, NodeRequest } from '../server/node-request.ts';

/** The part of a connection that says when it is over. */
export interface ClientConnection {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

/**
 * A client's interest in the answer to its request, until its time is up or the client has gone. Asks the connection only when a statement wants to know:
 * most requests have none that takes time.
 */
export class ClientInterest implements Interest {
  readonly #client: ClientConnection | AbortSignal | undefined;
  #listeners: Set<() => void> | undefined;
  #hasTimedOut = false;
  #hasEnded = false;
  #isKept = false;

  /** @param client absent: nothing says when it goes */
  constructor(client: ClientConnection | AbortSignal | undefined) {
    this.#client = client;
  }

  /** Whether its time was up before it got an answer. */
  get hasTimedOut(): boolean {
    return this.#hasTimedOut;
  }

  isLost(): boolean {
    return !this.#isKept && (this.#hasTimedOut || this.#hasEnded || hasGone(this.#client));
  }

  onLost(listener: () => void): () => void {
    if (this.#isKept || this.#hasEnded) return () => {};
    this.#listeners ??= this.#listen();
    const listeners = this.#listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Lets the work run to its end, even if nobody waits for it: a change is not left halfway. */
  keep(): void {
    this.#isKept = true;
  }

  /** Ends it: the time is up. */
  timeOut(): void {
    this.#hasTimedOut = true;
    for (const listener of this.#listeners ?? []) listener();
  }

  /**
   * Ends with the answer, and stops listening to the connection, which may outlast many requests. An error may have answered before all that was asked for
   * was read: nobody waits for the rest.
   */
  end(): void {
    this.#hasEnded = true;
    for (const listener of this.#listeners ?? []) listener();
    this.#listeners?.clear();
    this.#stopListening?.();
  }

  #stopListening: (() => void) | undefined;

  #listen(): Set<() => void> {
    const listeners = new Set<() => void>();
    const client = this.#client;
    const lose = () => {
      for (const listener of listeners) listener();
    };
    if (client && 'aborted' in client) client.addEventListener('abort', lose);
    else client?.once('close', lose);
    this.#stopListening = () => {
      if (client && 'aborted' in client) client.removeEventListener('abort', lose);
      else client?.off('close', lose);
    };
    return listeners;
  }
}

const hasGone = (client: ClientConnection | AbortSignal | undefined) =>
  client !== undefined && ('aborted' in client ? client.aborted : client.destroyed);

/** What says when the client of a request goes. */
export const clientOf = (request: AnyRequest): ClientConnection | AbortSignal =>
  request instanceof NodeRequest ? request.connection : request.signal;
