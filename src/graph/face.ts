import { shouldRenderGraphiQL } from 'graphql-yoga';
import { type Admitted, type Face, refusalHeaders } from '../admission/admit.ts';
import { MAX_BODY_BYTES } from '../admission/limits.ts';
import { type AnyRequest, NodeRequest } from '../server/node-request.ts';
import { readBytes } from '../server/read-body.ts';
import { type AnyResponse, TextResponse } from '../server/text-response.ts';
import { bodyTooLarge } from './errors.ts';
import { graphiql } from './graphiql.ts';
import type { createSimpleOperations } from './simple-operation.ts';
import type { StreamingGraph } from './streams/prepared.ts';
import { eventStream, failedStream, isSubscription, readOperation, wantsEventStream } from './streams/sse.ts';
import type { YogaServer } from './yoga.ts';

interface GraphFaceOptions {
  readonly yoga: YogaServer;
  /** Runs common operations without Yoga. Absent: only trusted documents are run, and Yoga runs them. */
  readonly simple?: ReturnType<typeof createSimpleOperations>;
  readonly streaming: StreamingGraph;
  /** Whether GraphiQL's page is served. */
  readonly graphiql: boolean;
  /** Whether the gateway is shutting down. Streams then end, so that their clients reconnect elsewhere. */
  readonly isDraining: () => boolean;
}

/** The graph over HTTP. Every operation needs credentials; GraphiQL's page needs none, and its operations do. */
export function createGraphFace(options: GraphFaceOptions): Face {
  return {
    name: 'graph',
    handlePublic: (request) =>
      options.graphiql && !(request instanceof NodeRequest) && shouldRenderGraphiQL(request) ? graphiql() : undefined,
    refuse: (request, refusal) => refuse(request, refusal.status, refusal.code, refusal.message, refusalHeaders(refusal)),
    handle: (request, admitted) => handle(options, request, admitted),
  };
}

async function handle(options: GraphFaceOptions, request: AnyRequest, admitted: Admitted): Promise<AnyResponse> {
  if (request.method === 'POST' && !isJson(request)) {
    return refuse(request, 415, 'UNSUPPORTED_MEDIA_TYPE', 'The request body must be application/json');
  }
  const { yoga, simple } = options;
  if (wantsEventStream(request)) return (await handleStream(options, request, admitted)) ?? refuseTooLarge(request);
  if (!(request instanceof NodeRequest)) return yoga.fetch(request, admitted);
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  if (!bytes) return refuseTooLarge(request);
  const outcome = await simple?.(bytes, admitted);
  if (outcome && 'response' in outcome) return outcome.response;
  return yoga.fetch(await request.toRequest(), { ...admitted, ...outcome });
}

/**
 * Opens a stream for a subscription. Other operations, which may accept an event stream too, go through Yoga.
 * @returns `undefined` if the body is too large
 */
async function handleStream(
  { yoga, streaming, isDraining }: GraphFaceOptions,
  request: AnyRequest,
  admitted: Admitted,
): Promise<AnyResponse | undefined> {
  const read = await readOperation(request);
  if (!read) return undefined;
  const prepared = read.body && streaming.prepare(admitted.caller, read.body, request.headers.get('last-event-id') ?? undefined);
  if (prepared && 'errors' in prepared) return failedStream(prepared.errors);
  if (!prepared || !isSubscription(prepared)) return yoga.fetch(await read.unread(), admitted);
  const signal = request instanceof NodeRequest ? undefined : request.signal;
  return eventStream(prepared, isDraining, streaming.credentials, signal);
}

/** Whether the body is declared as JSON. A page of another site can send forms and plain text, but JSON only if CORS allows it. */
function isJson(request: AnyRequest): boolean {
  return /^application\/(graphql\+)?json\s*(;|$)/.test(request.headers.get('content-type') ?? '');
}

const refuseTooLarge = (request: AnyRequest) => refuse(request, 413, 'REQUEST_ENTITY_TOO_LARGE', bodyTooLarge().message);

/** Writes a refusal in the media type that the request accepts (GraphQL over HTTP, 6). */
function refuse(
  request: AnyRequest,
  status: number,
  code: string,
  message: string,
  headers?: Readonly<Record<string, string>>,
): TextResponse {
  const type = request.headers.get('accept')?.includes('application/graphql-response+json')
    ? 'application/graphql-response+json'
    : 'application/json';
  return new TextResponse(JSON.stringify({ errors: [{ message, extensions: { code } }] }), {
    status,
    headers: { 'content-type': `${type}; charset=utf-8`, ...headers },
  });
}
