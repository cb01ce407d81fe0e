import { type GraphQLError, getOperationAST } from 'graphql';
import type { CredentialWatch } from '../../admission/credential-watch.ts';
import { MAX_BODY_BYTES } from '../../admission/limits.ts';
import { decodeBody, decodeQuery, type OperationBody } from '../../execution/operation-body.ts';
import { type AnyRequest, NodeRequest, targetOf } from '../../server/node-request.ts';
import { readBytes } from '../../server/read-body.ts';
import { StreamResponse } from '../../server/stream-response.ts';
import { type AnyResponse, TextResponse } from '../../server/text-response.ts';
import type { PreparedOperation } from './prepared.ts';
import { COMPLETE, errorsEvent, SseStream } from './sse-stream.ts';

const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** Whether the request accepts an event stream. Not for HEAD, whose response would never end. */
export const wantsEventStream = ({ method, headers }: AnyRequest) =>
  (method === 'GET' || method === 'POST') && headers.get('accept')?.includes('text/event-stream') === true;

/** The same, and no page. */
export const wantsOnlyEventStream = (request: AnyRequest) =>
  wantsEventStream(request) && request.headers.get('accept')?.includes('text/html') === false;

/** The operation of a request. */
interface ReadOperation {
  /** `undefined` if it is malformed. */
  readonly body: OperationBody | undefined;
  /** Makes an equal request whose body was not read: a body can be read only once. */
  readonly unread: () => Request | Promise<Request>;
}

/** Reads the operation of a request. @returns `undefined` if the body is too large */
export async function readOperation(request: AnyRequest): Promise<ReadOperation | undefined> {
  const again = () => (request instanceof NodeRequest ? request.toRequest() : request);
  if (request.method !== 'POST') return { body: decodeQuery(new URLSearchParams(targetOf(request).search)), unread: again };
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  if (!bytes) return undefined;
  const body = decodeBody(bytes);
  if (request instanceof NodeRequest) return { body, unread: again };
  const { url, method, headers, signal } = request;
  return { body, unread: () => new Request(url, { method, headers, body: new Uint8Array(bytes), signal }) };
}

/** Whether the selected operation is a subscription. */
export const isSubscription = ({ document, operationName }: Pick<PreparedOperation, 'document' | 'operationName'>) =>
  getOperationAST(document, operationName)?.operation === 'subscription';

/**
 * Serves a subscription as server-sent events (GraphQL over SSE, distinct connections mode): `next` events whose id is the cursor, so that a
 * browser's EventSource resumes by itself, then `complete`. While the gateway drains, streams end without `complete`: clients reconnect elsewhere.
 * @param signal aborted when the client disconnects, if its connection does not tell
 */
export async function eventStream(
  subscription: PreparedOperation,
  isDraining: () => boolean,
  credentials: CredentialWatch,
  signal?: AbortSignal,
): Promise<AnyResponse> {
  const opened = await subscription.subscribe();
  if ('errors' in opened) return failedStream(opened.errors);
  const stream = new SseStream(subscription, opened, isDraining, credentials);
  signal?.addEventListener('abort', () => stream.discard(), { once: true });
  if (signal?.aborted) stream.discard();
  return new StreamResponse(stream, HEADERS);
}

/** Makes the stream of an operation that could not begin. */
export const failedStream = (errors: readonly GraphQLError[]) =>
  new TextResponse(`${errorsEvent(errors)}${COMPLETE}`, { status: 200, headers: HEADERS });
