import type { Duplex } from 'node:stream';
import { GraphQLError } from 'graphql';
import { type Context, MessageType, stringifyMessage } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { RenderedStream, ResultSink } from '../../live/render.ts';
import type { Rendered } from '../../live/updates.ts';
import { framesOf } from './frames.ts';
import type { PreparedOperation } from './prepared.ts';

/** What streams are sent over. */
export interface StreamSocket extends WebSocket {
  /** What the WebSocket runs on. */
  readonly network: Duplex | undefined;
  /** Those that are open. */
  streams: readonly SocketStream[];
}

/** What is thrown at graphql-ws to end its part in a subscription, which would be a promise that waits as long as the stream is open. */
export class TakenOver extends Error {
  constructor(readonly stream: SocketStream) {
    super('A stream is sent without graphql-ws');
  }
}

/** A subscription of a WebSocket, as graphql-ws keeps it: it knows the id, and calls `return` where the client or the socket ends it. */
export class SocketStream implements AsyncIterableIterator<never>, ResultSink {
  readonly #context: Context<Record<string, unknown>, StreamSocket>;
  readonly #id: string;
  #prepared: PreparedOperation | undefined;
  #answers: RenderedStream | undefined;
  #isOver = false;

  constructor(context: Context<Record<string, unknown>, StreamSocket>, id: string) {
    this.#context = context;
    this.#id = id;
    context.subscriptions[id] = this;
  }

  /** Opens it, or tells the client why not. */
  async open(prepared: PreparedOperation): Promise<void> {
    const outcome = await prepared.subscribe();
    if ('errors' in outcome) return this.#finish(outcome.errors[0]);
    this.#prepared = prepared;
    this.#answers = outcome;
    if (this.#isOver || this.#socket.readyState !== WebSocket.OPEN) await this.return();
  }

  /** Sends what comes, until it ends. */
  begin(): void {
    if (this.#isOver) return;
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
        if (done || this.#isOver) break;
        await sendText(this.#socket, `${prefix}${value.json}}`);
        if (answers?.share(this)) return;
      }
      this.#finish();
    } catch (error) {
      this.#finish(this.#prepared?.maskError(error));
    }
  }

  take(answers: readonly Rendered[]): boolean {
    const { readyState, network } = this.#socket;
    if (readyState !== WebSocket.OPEN || !network) return true;
    if (network.writableLength > 0) return false;
    network.write(framesOf(answers, JSON.stringify(this.#id)));
    return true;
  }

  resume(): void {
    void this.#send();
  }

  #finish(error?: GraphQLError): void {
    if (this.#isOver) return;
    const id = this.#id;
    void this.return();
    if (this.#context.subscriptions[id] === this) delete this.#context.subscriptions[id];
    const payload = error && [new GraphQLError(error.message, { originalError: error }).toJSON()];
    void sendText(this.#socket, stringifyMessage(payload ? { id, type: MessageType.Error, payload } : { id, type: MessageType.Complete }));
  }

  /** Ends it without a word to the client. */
  async return(): Promise<IteratorResult<never>> {
    this.#isOver = true;
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

/** Resolves when the text has left for the network, so that a slow reader's next one is not even made. */
function sendText(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== WebSocket.OPEN) resolve();
    // An error is that of a socket which closes, and its closing is looked after.
    else socket.send(text, () => resolve());
  });
}
