import { GraphQLError, getOperationAST } from 'graphql';
import type { CredentialWatch, Watched } from '../../admission/credential-watch.ts';
import { MAX_BODY_BYTES } from '../../admission/limits.ts';
import type { Caller } from '../../domain/caller.ts';
import { decodeBody, decodeQuery, type OperationBody } from '../../execution/operation-body.ts';
import type { RenderedStream } from '../../live/render.ts';
import type { Rendered } from '../../live/updates.ts';
import { readBytes } from '../../server/read-body.ts';
import type { PreparedOperation } from './prepared.ts';

/** How often an idle stream sends a comment, so that proxies keep the connection open, in ms. */
const HEARTBEAT_MS = 15_000;
const HEARTBEAT = ':\n\n';
/** How many events may wait for a slow client. Beyond that, no more are rendered. */
const MAX_BUFFERED_EVENTS = 8;

const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
const COMPLETE = 'event: complete\ndata:\n\n';

/** Whether the request accepts an event stream. Not for HEAD, whose response would never end. */
export const wantsEventStream = ({ method, headers }: Request) =>
  (method === 'GET' || method === 'POST') && headers.get('accept')?.includes('text/event-stream') === true;

/**
 * Reads the operation of a request. A body can be read only once, so it also returns an equal request, `unread`.
 * @returns `undefined` if the body is too large; `body` is `undefined` if it is malformed
 */
export async function readOperation(request: Request): Promise<{ body: OperationBody | undefined; unread: Request } | undefined> {
  if (request.method !== 'POST') return { body: decodeQuery(new URL(request.url).searchParams), unread: request };
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  if (!bytes) return undefined;
  const { url, method, headers, signal } = request;
  return { body: decodeBody(bytes), unread: new Request(url, { method, headers, body: new Uint8Array(bytes), signal }) };
}

/** Whether the selected operation is a subscription. */
export const isSubscription = ({ document, operationName }: Pick<PreparedOperation, 'document' | 'operationName'>) =>
  getOperationAST(document, operationName)?.operation === 'subscription';

/**
 * Serves a subscription as server-sent events (GraphQL over SSE, distinct connections mode): `next` events whose id is the cursor, so that a
 * browser's EventSource resumes by itself, then `complete`. While the gateway drains, streams end without `complete`: clients reconnect elsewhere.
 * @param signal aborted when the client disconnects
 */
export async function eventStream(
  subscription: PreparedOperation,
  signal: AbortSignal,
  isDraining: () => boolean,
  credentials: CredentialWatch,
): Promise<Response> {
  const opened = await subscription.subscribe();
  if ('errors' in opened) return failedStream(opened.errors);
  const source = new UpdatesSource(subscription, opened, isDraining, credentials);
  // The client may disconnect before the body is read, and nothing then cancels it.
  signal.addEventListener('abort', () => source.cancel(), { once: true });
  if (signal.aborted) source.cancel();
  return new Response(new ReadableStream(source, { highWaterMark: MAX_BUFFERED_EVENTS }), { headers: HEADERS });
}

/** The source of a response's body. It is pulled only while the client keeps up. */
class UpdatesSource implements UnderlyingDefaultSource<Uint8Array>, Watched {
  readonly caller: Caller;
  readonly #subscription: PreparedOperation;
  readonly #updates: RenderedStream;
  readonly #isDraining: () => boolean;
  readonly #credentials: CredentialWatch;
  readonly #encoder = new TextEncoder();
  #isCancelled = false;
  #areCredentialsInvalid = false;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(subscription: PreparedOperation, updates: RenderedStream, isDraining: () => boolean, credentials: CredentialWatch) {
    this.caller = subscription.caller;
    this.#subscription = subscription;
    this.#updates = updates;
    this.#isDraining = isDraining;
    this.#credentials = credentials;
    credentials.watch(this);
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    controller.enqueue(this.#encoder.encode(HEARTBEAT));
    if (this.#isCancelled) return;
    this.#heartbeat = setInterval(() => {
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(this.#encoder.encode(HEARTBEAT));
    }, HEARTBEAT_MS);
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { text, isLast } = await this.#next();
    if (this.#isCancelled) return;
    if (text) controller.enqueue(this.#encoder.encode(text));
    if (!isLast) return;
    this.#stop();
    controller.close();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#stop();
  }

  /** The credentials have become invalid. */
  end(): void {
    this.#areCredentialsInvalid = true;
    this.#stop();
  }

  #stop(): void {
    this.#credentials.unwatch(this);
    clearInterval(this.#heartbeat);
    void this.#updates.return();
  }

  /** The next event, or the last ones. */
  async #next(): Promise<{ text: string; isLast: boolean }> {
    try {
      const { done, value } = await this.#updates.next();
      if (!done) return { text: nextEvent(value), isLast: false };
      const text = `${this.#areCredentialsInvalid ? errorsEvent([unauthenticated()]) : ''}${this.#isDraining() ? '' : COMPLETE}`;
      return { text, isLast: true };
    } catch (error) {
      return { text: `${errorsEvent([this.#subscription.maskError(error)])}${COMPLETE}`, isLast: true };
    }
  }
}

/** Makes the stream of an operation that could not begin. */
export const failedStream = (errors: readonly GraphQLError[]) => new Response(`${errorsEvent(errors)}${COMPLETE}`, { headers: HEADERS });

const unauthenticated = () => new GraphQLError('Your credentials are no longer valid', { extensions: { code: 'UNAUTHENTICATED' } });

const nextEvent = ({ json, cursor }: Rendered) => `${cursor ? `id: ${cursor}\n` : ''}event: next\ndata: ${json}\n\n`;

const errorsEvent = (errors: readonly GraphQLError[]) => `event: next\ndata: ${JSON.stringify({ errors })}\n\n`;
