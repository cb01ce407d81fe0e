import { getOperationAST } from 'graphql';
import type { CredentialWatch } from '../../admission/credential-watch.ts';
import { StreamResponse } from '../../server/stream-response.ts';
import { type AnyResponse, TextResponse } from '../../server/text-response.ts';
import type { PreparedOperation, RefusedOperation } from './prepared.ts';
import { COMPLETE, errorsEvent, SseStream } from './sse-stream.ts';

const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

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
  if ('errors' in opened) return failedStream({ errors: opened.errors, cost: subscription.cost });
  const stream = new SseStream(subscription, opened, isDraining, credentials);
  signal?.addEventListener('abort', () => stream.discard(), { once: true });
  if (signal?.aborted) stream.discard();
  return new StreamResponse(stream, HEADERS);
}

/**
 * Makes the stream of an operation that could not begin.
 * @param retryAfter when an EventSource may connect again, in s; its default is some seconds
 */
export const failedStream = ({ errors, cost }: RefusedOperation, headers: Readonly<Record<string, string>> = {}, retryAfter?: number) =>
  new TextResponse(`${retryAfter === undefined ? '' : `retry: ${retryAfter * 1000}\n`}${errorsEvent(errors, cost)}${COMPLETE}`, {
    status: 200,
    headers: { ...HEADERS, ...headers },
  });
