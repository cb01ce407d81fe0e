import { GraphQLError, getOperationAST } from 'graphql';
import type { CredentialWatch } from '../live/credential-watch.ts';
import { type Rendered, subscribeRendered } from '../live/render.ts';
import type { PreparedSubscription } from './graph.ts';

/** How often something is sent where nothing happens, so that proxies keep the connection, in ms. */
const HEARTBEAT_MS = 15_000;

/** Does the request ask for a stream of events? */
export const wantsEventStream = (request: Request) => request.headers.get('accept')?.includes('text/event-stream') === true;

/** What a request to the graph says, from its query string or its JSON body. `undefined` where it is malformed. */
export async function readOperation(request: Request) {
  if (request.method === 'GET') {
    const params = new URL(request.url).searchParams;
    const variables = parseVariables(params.get('variables'));
    const query = params.get('query');
    return query && variables !== MALFORMED ? { query, variables, operationName: params.get('operationName') ?? undefined } : undefined;
  }
  const body: unknown = await request
    .clone()
    .json()
    .catch(() => undefined);
  if (typeof body !== 'object' || body === null || !('query' in body) || typeof body.query !== 'string') return undefined;
  const { query, variables, operationName } = body as { query: string; variables?: Record<string, unknown>; operationName?: string };
  return { query, variables, operationName };
}

const MALFORMED = Symbol('malformed');

function parseVariables(text: string | null): Record<string, unknown> | undefined | typeof MALFORMED {
  if (!text) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : MALFORMED;
  } catch {
    return MALFORMED;
  }
}

/** Is the operation that will run a subscription? */
export const isSubscription = ({ document, operationName }: Pick<PreparedSubscription, 'document' | 'operationName'>) =>
  getOperationAST(document, operationName)?.operation === 'subscription';

/**
 * A subscription as server-sent events (the distinct-connections mode of GraphQL over SSE): `next` frames whose id is the cursor, so that a browser's
 * EventSource resumes by itself, then `complete`. While the gateway drains it ends without `complete`: the client connects again, elsewhere.
 */
export async function eventStream(
  subscription: PreparedSubscription,
  isDraining: () => boolean,
  credentials: CredentialWatch,
): Promise<Response> {
  const outcome = await subscribeRendered(subscription);
  const encoder = new TextEncoder();
  const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
  if ('errors' in outcome) return new Response(`${failed(outcome.errors)}${COMPLETE}`, { headers });

  const updates = outcome;
  let heartbeat: NodeJS.Timeout | undefined;
  let revoked = false;
  let cancelled = false;
  const unwatch = credentials.watch(subscription.caller, () => {
    revoked = true;
    end();
  });
  const end = () => {
    unwatch();
    clearInterval(heartbeat);
    void updates.return?.();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        controller.enqueue(encoder.encode(':\n\n'));
        heartbeat = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(':\n\n'));
        }, HEARTBEAT_MS);
      },
      // Asked for only while the reader keeps up: what waits meanwhile, waits in the stream's own bounded buffer.
      pull: async (controller) => {
        try {
          const { done, value } = await updates.next();
          if (cancelled) return;
          if (!done) return controller.enqueue(encoder.encode(frame(value)));
          if (revoked) controller.enqueue(encoder.encode(failed([unauthenticated()])));
          if (!isDraining()) controller.enqueue(encoder.encode(COMPLETE));
        } catch (error) {
          if (cancelled) return;
          controller.enqueue(encoder.encode(`${failed([subscription.maskError(error)])}${COMPLETE}`));
        }
        end();
        controller.close();
      },
      cancel: () => {
        cancelled = true;
        end();
      },
    },
    { highWaterMark: 8 },
  );
  return new Response(body, { headers });
}

const unauthenticated = () => new GraphQLError('Your credentials are not valid any more', { extensions: { code: 'UNAUTHENTICATED' } });

const COMPLETE = 'event: complete\ndata:\n\n';

const frame = ({ json, cursor }: Rendered) => `${cursor ? `id: ${cursor}\n` : ''}event: next\ndata: ${json}\n\n`;

const failed = (errors: readonly GraphQLError[]) => `event: next\ndata: ${JSON.stringify({ errors })}\n\n`;
