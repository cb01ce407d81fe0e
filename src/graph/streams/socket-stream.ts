import type { Duplex } from 'node:stream';
import type { GraphQLError } from 'graphql';
import { type Context, MessageType, stringifyMessage } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { RenderedStream, ResultSink } from '../../live/render.ts';
import type { Rendered } from '../../live/updates.ts';
import { errorsWithCost } from './asks-for-cost.ts';
import { writeFrames } from './frames.ts';
import type { PreparedOperation } from './prepared.ts';

/** A WebSocket that carries streams. */
export interface StreamSocket extends WebSocket {
  /** The connection under the WebSocket. */
  readonly network: Duplex | undefined;
  /** Its open streams. */
  streams: readonly SocketStream[];
}

/**
 * Thrown from graphql-ws's `subscribe` hook when a stream is open, so that graphql-ws does not iterate over it: its pending promises would stay in
 * memory as long as the stream.
 */
export class TakenOver extends Error {
  constructor(readonly stream: SocketStream) {
    super('A stream is sent without graphql-ws');
  }
}

/** A subscription of a WebSocket. graphql-ws keeps it by its id, and calls `return` when the client completes it or the socket closes. */
export class SocketStream implements AsyncIterableIterator<never>, ResultSink {
  readonly #context: Context<Record<string, unknown>, StreamSocket>;
  readonly #id: string;
  #prepared: PreparedOperation | undefined;
  #answers: RenderedStream | undefined;
  #hasEnded = false;

  constructor(context: Context<Record<string, unknown>, StreamSocket>, id: string) {
    this.#context = context;
    this.#id = id;
    // Registered before it is open, so that the client can complete it meanwhile.
    context.subscriptions[id] = this;
  }

  /** Subscribes, or sends the client the error. */
  async open(prepared: PreparedOperation): Promise<void> {
    const opened = await prepared.subscribe();
    if ('errors' in opened) return this.#finish(errorsWithCost(opened.errors, prepared.cost));
    this.#prepared = prepared;
    this.#answers = opened;
    if (this.#hasEnded || this.#socket.readyState !== WebSocket.OPEN) await this.return();
  }

  /** Starts sending, after graphql-ws has dropped it. */
  begin(): void {
    if (this.#hasEnded) return;
    this.#context.subscriptions[this.#id] = this;
    this.#socket.streams = this.#socket.streams.concat(this);
    void this.#send();
  }

  async #send(): Promise<void> {
    const answers = this.#answers;
    const prefix = `{"id":${JSON.stringify(this.#id)},"type":"next","payload":`;
    try {
      for (;;) {
        const { done, value } = (await answers?.next()) ?? { done: true, value: undefined };
        if (done || this.#hasEnded) break;
        await sendText(this.#socket, `${prefix}${value.json}}`);
        if (answers?.share(this)) return;
      }
      this.#finish();
    } catch (error) {
      this.#finish(this.#prepared && [this.#prepared.maskError(error)]);
    }
  }

  take(answers: readonly Rendered[]): boolean {
    const { readyState, network } = this.#socket;
    if (readyState !== WebSocket.OPEN || !network) return true;
    if (network.writableLength > 0) return false;
    writeFrames(network, answers, JSON.stringify(this.#id));
    return true;
  }

  resume(): void {
    void this.#send();
  }

  #finish(errors?: readonly GraphQLError[]): void {
    if (this.#hasEnded) return;
    const id = this.#id;
    void this.return();
    if (this.#context.subscriptions[id] === this) delete this.#context.subscriptions[id];
    const payload = errors?.map((error) => error.toJSON());
    void sendText(this.#socket, stringifyMessage(payload ? { id, type: MessageType.Error, payload } : { id, type: MessageType.Complete }));
  }

  /** Ends it, without a message to the client. */
  async return(): Promise<IteratorResult<never>> {
    this.#hasEnded = true;
    this.#socket.streams = this.#socket.streams.filter((stream) => stream !== this);
    await this.#answers?.return();
    return { done: true, value: undefined };
  }

  async next(): Promise<IteratorResult<never>> {
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  get #socket(): StreamSocket {
    return this.#context.extra;
  }
}

/** Resolves when the text is handed to the network: the next update for a slow client is rendered only then. Never rejects. */
function sendText(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== WebSocket.OPEN) resolve();
    // It fails only on a socket that closes, which ends its streams.
    else socket.send(text, () => resolve());
  });
}
