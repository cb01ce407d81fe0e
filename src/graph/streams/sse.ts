import { GraphQLError, getOperationAST } from 'graphql';
import type { CredentialWatch } from '../../admission/credential-watch.ts';
import { MAX_BODY_BYTES } from '../../admission/limits.ts';
import { decodeBody, decodeQuery, type OperationBody } from '../../execution/operation-body.ts';
import type { Rendered } from '../../live/updates.ts';
import { readBytes } from '../../server/read-body.ts';
import type { PreparedOperation } from './prepared.ts';

/** How often something is sent where nothing happens, so that proxies keep the connection, in ms. */
const HEARTBEAT_MS = 15_000;

/** Does the request ask for a stream of events? The answer to HEAD would have no body, and no end. */
export const wantsEventStream = ({ method, headers }: Request) =>
  (method === 'GET' || method === 'POST') && headers.get('accept')?.includes('text/event-stream') === true;

/**
 * The operation that a request states, and a request that states the same again, since its body can be read only once.
 * @returns `undefined` where the body is too large. `body` is `undefined` where it is malformed
 */
export async function readOperation(request: Request): Promise<{ body: OperationBody | undefined; again: Request } | undefined> {
  if (request.method !== 'POST') return { body: decodeQuery(new URL(request.url).searchParams), again: request };
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  if (!bytes) return undefined;
  const { url, method, headers, signal } = request;
  return { body: decodeBody(bytes), again: new Request(url, { method, headers, body: new Uint8Array(bytes), signal }) };
}

/** Is the operation that will run a subscription? */
export const isSubscription = ({ document, operationName }: Pick<PreparedOperation, 'document' | 'operationName'>) =>
  getOperationAST(document, operationName)?.operation === 'subscription';

/**
 * A subscription as server-sent events (the distinct-connections mode of GraphQL over SSE): `next` frames whose id is the cursor, so that a browser's
 * EventSource resumes by itself, then `complete`. While the gateway drains it ends without `complete`: the client connects again, elsewhere.
 * @param signal aborted when the client is gone
 */
export async function eventStream(
  subscription: PreparedOperation,
  signal: AbortSignal,
  isDraining: () => boolean,
  credentials: CredentialWatch,
): Promise<Response> {
  const outcome = await subscription.subscribe();
  if ('errors' in outcome) return failedStream(outcome.errors);

  const updates = outcome;
  const encoder = new TextEncoder();
  let gone = false;
  let revoked = false;
  let heartbeat: NodeJS.Timeout | undefined;
  const watched = {
    caller: subscription.caller,
    end: () => {
      revoked = true;
      end();
    },
  };
  credentials.watch(watched);
  function end(): void {
    credentials.unwatch(watched);
    clearInterval(heartbeat);
    void updates.return();
  }
  function leave(): void {
    gone = true;
    end();
  }
  // Without a client, nobody may ever ask for the body, nor cancel it.
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();

  /** The next frame, or the last ones. */
  async function next(): Promise<{ text: string; isLast: boolean }> {
    try {
      const { done, value } = await updates.next();
      if (!done) return { text: frame(value), isLast: false };
      return { text: `${revoked ? failed([unauthenticated()]) : ''}${isDraining() ? '' : COMPLETE}`, isLast: true };
    } catch (error) {
      return { text: `${failed([subscription.maskError(error)])}${COMPLETE}`, isLast: true };
    }
  }

  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        controller.enqueue(encoder.encode(':\n\n'));
        if (gone) return;
        heartbeat = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(':\n\n'));
        }, HEARTBEAT_MS);
      },
      // Asked for only while the reader keeps up: what waits meanwhile, waits in the stream's own bounded buffer.
      pull: async (controller) => {
        const { text, isLast } = await next();
        if (gone) return;
        if (text) controller.enqueue(encoder.encode(text));
        if (!isLast) return;
        end();
        controller.close();
      },
      cancel: leave,
    },
    { highWaterMark: 8 },
  );
  return new Response(body, { headers: HEADERS });
}

const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** A stream that does not begin. */
export const failedStream = (errors: readonly GraphQLError[]) => new Response(`${failed(errors)}${COMPLETE}`, { headers: HEADERS });

const unauthenticated = () => new GraphQLError('Your credentials are not valid any more', { extensions: { code: 'UNAUTHENTICATED' } });

const COMPLETE = 'event: complete\ndata:\n\n';

const frame = ({ json, cursor }: Rendered) => `${cursor ? `id: ${cursor}\n` : ''}event: next\ndata: ${json}\n\n`;

const failed = (errors: readonly GraphQLError[]) => `event: next\ndata: ${JSON.stringify({ errors })}\n\n`;
