import { shouldRenderGraphiQL } from 'graphql-yoga';
import type { Admitted, Face } from '../admission/admit.ts';
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

export interface GraphFaceOptions {
  readonly yoga: YogaServer;
  /** Answers common operations without Yoga. Absent where only trusted documents are run. */
  readonly simple?: ReturnType<typeof createSimpleOperations>;
  readonly streaming: StreamingGraph;
  /** Is GraphiQL's page served? */
  readonly graphiql: boolean;
  /** Is the gateway about to stop, so that streams end for their clients to go elsewhere? */
  readonly isDraining: () => boolean;
}

/** The graph over HTTP. Every operation needs credentials; GraphiQL's page is served without, and its operations ask for them. */
export function createGraphFace(options: GraphFaceOptions): Face {
  return {
    name: 'graph',
    open: (request) => (options.graphiql && !(request instanceof NodeRequest) && shouldRenderGraphiQL(request) ? graphiql() : undefined),
    refuse: (request, { status, code, message, challenge, retryAfter }) =>
      refuse(request, status, code, message, {
        ...(challenge && { 'www-authenticate': challenge }),
        ...(retryAfter && { 'retry-after': String(retryAfter) }),
      }),
    answer: (request, admitted) => answer(options, request, admitted),
  };
}

async function answer(options: GraphFaceOptions, request: AnyRequest, admitted: Admitted): Promise<AnyResponse> {
  if (request.method === 'POST' && !isJson(request)) {
    return refuse(request, 415, 'UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json');
  }
  const { yoga, simple } = options;
  if (!(request instanceof NodeRequest)) {
    if (!wantsEventStream(request)) return yoga.fetch(request, admitted);
    return (await streamed(options, request, admitted)) ?? refuseTooLarge(request);
  }
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  if (!bytes) return refuseTooLarge(request);
  const outcome = await simple?.(bytes, admitted);
  if (outcome && 'response' in outcome) return outcome.response;
  return yoga.fetch(await request.toRequest(), { ...admitted, ...outcome });
}

/** Answers a subscription by a stream, and anything else that came with its headers by Yoga. @returns `undefined` where the body is too large */
async function streamed(
  { yoga, streaming, isDraining }: GraphFaceOptions,
  request: Request,

  admitted: Admitted,
): Promise<AnyResponse | undefined> {
  const read = await readOperation(request);
  if (!read) return undefined;
  const prepared = read.body && streaming.prepare(admitted.caller, read.body, request.headers.get('last-event-id') ?? undefined);
  if (!prepared) return yoga.fetch(read.again, admitted);
  if ('errors' in prepared) return failedStream(prepared.errors);
  if (!isSubscription(prepared)) return yoga.fetch(read.again, admitted);
  return eventStream(prepared, request.signal, isDraining, streaming.credentials);
}

/** Only declared JSON: a page of another site cannot send that without CORS's leave, but forms and plain text it can. */
function isJson(request: AnyRequest): boolean {
  return /^application\/(graphql\+)?json\s*(;|$)/.test(request.headers.get('content-type') ?? '');
}

const refuseTooLarge = (request: AnyRequest) => refuse(request, 413, 'REQUEST_ENTITY_TOO_LARGE', bodyTooLarge().message);

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
