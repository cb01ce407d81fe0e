import { shouldRenderGraphiQL } from 'graphql-yoga';
import { type Admitted, type Face, type Refusal, refusalHeaders } from '../admission/admit.ts';
import { MAX_BODY_BYTES } from '../admission/limits.ts';
import { decodeBody, decodeQuery, type OperationBody } from '../execution/operation-body.ts';
import { type AnyRequest, NodeRequest, requestOf, targetOf } from '../server/node-request.ts';
import { decodeUtf8, isDeclaredAs, readBytes } from '../server/read-body.ts';
import { type AnyResponse, TextResponse } from '../server/text-response.ts';
import { type Accepted, EVENT_STREAM, readAccept } from './accept.ts';
import { bodyTooLarge, tooManyRequests, withoutHttp } from './errors.ts';
import { graphiql } from './graphiql.ts';
import type { createSimpleOperations } from './simple-operation.ts';
import { asksForCost, COST_HEADER } from './streams/asks-for-cost.ts';
import type { StreamingGraph } from './streams/prepared.ts';
import { eventStream, failedStream, isSubscription } from './streams/sse.ts';
import type { YogaServer } from './yoga.ts';

interface GraphFaceOptions {
  readonly yoga: YogaServer;
  /** Runs common operations without Yoga. Absent: only trusted documents are run, and Yoga runs them. */
  readonly simple?: ReturnType<typeof createSimpleOperations>;
  readonly streaming: StreamingGraph;
  /** Whether GraphiQL's page is served. */
  readonly graphiql: boolean;
  /** Serves the schema's files, by their paths. */
  readonly schemaFile: (request: AnyRequest) => TextResponse | undefined;
  /** Whether the gateway is shutting down. Streams then end, so that their clients reconnect elsewhere. */
  readonly isDraining: () => boolean;
}

/** The graph over HTTP. Every operation needs credentials; GraphiQL's page and the schema's files need none. */
export function createGraphFace(options: GraphFaceOptions): Face {
  return {
    name: 'graph',
    handlePublic: (request) => {
      if (isStrippedUpgrade(request)) return refuseStrippedUpgrade(request);
      const file = options.schemaFile(request);
      if (file) return file;
      return options.graphiql && !(request instanceof NodeRequest) && shouldRenderGraphiQL(request) ? graphiql() : undefined;
    },
    refuse: refuseAdmission,
    handle: (request, admitted) => handle(options, request, admitted),
  };
}

/** Whether a request of the graph needs no Request: any POST; and a stream, unless GraphiQL's page is accepted, too. */
export function isDirect({ method, headers }: AnyRequest): boolean {
  if (method === 'POST') return true;
  const accept = headers.get('accept');
  return method === 'GET' && readAccept(accept).stream && !accept?.includes('text/html');
}

/** The operation of a request, and what it needs to be run by Yoga. */
interface ReadOperation {
  /** The body of a POST. */
  readonly text: string | undefined;
  /** `undefined` if it is malformed. */
  readonly body: OperationBody | undefined;
}

async function handle(options: GraphFaceOptions, request: AnyRequest, admitted: Admitted): Promise<AnyResponse> {
  // Yoga refuses it with 405. A Request with such a method cannot always be made again.
  if (!METHODS.has(request.method)) return options.yoga.fetch(await requestOf(request), admitted);
  const accepted = readAccept(request.headers.get('accept'));
  const isPost = request.method === 'POST';
  if (isPost && !isDeclaredAs(JSON_TYPE, request.headers)) {
    return refuse(request, 415, 'UNSUPPORTED_MEDIA_TYPE', 'The request body must be application/json in UTF-8', {
      accept: 'application/json',
    });
  }
  if (!accepted.result && !accepted.stream) return refuseUnacceptable(request);
  const bytes = isPost ? await readBytes(request, MAX_BODY_BYTES) : Buffer.alloc(0);
  if (!bytes) return refuse(request, 413, 'REQUEST_ENTITY_TOO_LARGE', bodyTooLarge().message);
  const text = decodeUtf8(bytes);
  if (text === undefined) return refuse(request, 400, 'BAD_REQUEST', 'The request body must be JSON in UTF-8');
  if (isPost) return handlePost(options, request, admitted, accepted, text);
  if (!isUtf8(targetOf(request).search)) return refuse(request, 400, 'BAD_REQUEST', 'The parameters must be percent-encoded UTF-8');
  const body = accepted.stream ? decodeQuery(new URLSearchParams(targetOf(request).search)) : undefined;
  return handleAny(options, request, admitted, accepted, { text: undefined, body });
}

async function handlePost(
  options: GraphFaceOptions,
  request: AnyRequest,
  admitted: Admitted,
  accepted: Accepted,
  text: string,
): Promise<AnyResponse> {
  const body = decodeBody(text);
  const { result, prefersStream } = accepted;
  const isSimple = request instanceof NodeRequest && result && !prefersStream && !request.headers.has(COST_HEADER);
  const outcome = isSimple ? await options.simple?.(body, admitted, result) : undefined;
  if (outcome && 'response' in outcome) return outcome.response;
  return handleAny(options, request, { ...admitted, ...outcome }, accepted, { text, body });
}

/** Opens a stream for a subscription. Yoga runs other operations. */
async function handleAny(
  options: GraphFaceOptions,
  request: AnyRequest,
  admitted: Admitted,
  { result, stream, prefersStream }: Accepted,
  { text, body }: ReadOperation,
): Promise<AnyResponse> {
  const { yoga, streaming, isDraining } = options;
  if (stream && body && (prefersStream || maySubscribe(body))) {
    const resumeFrom = request.headers.get('last-event-id') ?? undefined;
    const cost = asksForCost(request.headers.get(COST_HEADER)) ? { rate: admitted.rate } : undefined;
    const prepared = streaming.prepare(admitted.caller, body, { resumeFrom, cost });
    if (!('errors' in prepared) && isSubscription(prepared)) {
      const signal = request instanceof NodeRequest ? undefined : request.signal;
      return eventStream(prepared, isDraining, streaming.credentials, signal);
    }
    if ('errors' in prepared && prefersStream) return failedStream(prepared);
  }
  const type = prefersStream ? EVENT_STREAM : result;
  if (!type) return refuseUnacceptable(request);
  return yoga.fetch(await requestForYoga(request, type, text), admitted);
}

/** Whether the percent-encoded bytes of a query string are UTF-8. URLSearchParams would replace others. */
function isUtf8(search: string): boolean {
  if (!search.includes('%')) return true;
  try {
    decodeURIComponent(search.replace(/%(?![0-9a-f]{2})/gi, '%25'));
    return true;
  } catch {
    return false;
  }
}

/** Whether the operation may be a subscription, as far as can be seen without parsing it. */
const maySubscribe = ({ query }: OperationBody) => query === undefined || query.includes('subscription');

/** Makes an equal request, which accepts only one type: Yoga does not read weights. */
async function requestForYoga(request: AnyRequest, type: string, body: string | undefined): Promise<Request> {
  const whole = request instanceof NodeRequest ? await request.toRequest() : request;
  const headers = new Headers(whole.headers);
  headers.set('accept', type);
  if (body !== undefined) headers.set('content-type', 'application/json');
  const { search } = targetOf(request);
  // Yoga compares the path without decoding it.
  const url = new URL(`/graphql${search}`, whole.url);
  return new Request(url, { method: whole.method, headers, body, signal: whole.signal });
}

/** The HTTP methods that can carry an operation. */
const METHODS = new Set(['GET', 'POST']);

/** A page of another site can send forms and plain text, but JSON only if CORS allows it. */
const JSON_TYPE = /^application\/(graphql\+)?json$/;

/** Whether the request is a WebSocket's, but a proxy has removed the headers of its upgrade, which concern one connection only (RFC 9110, 7.6.1). */
const isStrippedUpgrade = ({ method, headers }: AnyRequest) => method === 'GET' && headers.has('sec-websocket-key');

/** RFC 9110, 15.5.22. */
const refuseStrippedUpgrade = (request: AnyRequest) =>
  refuse(request, 426, 'UPGRADE_REQUIRED', 'A proxy has removed the headers Upgrade and Connection from this WebSocket request', {
    upgrade: 'websocket',
    connection: 'upgrade',
  });

const refuseUnacceptable = (request: AnyRequest) =>
  refuse(
    request,
    406,
    'NOT_ACCEPTABLE',
    'The response media types are application/json, application/graphql-response+json and, for subscriptions, text/event-stream',
  );

/**
 * Refuses a request before its operation is read. An EventSource can read neither the status nor the body of a refusal, but it can read a stream, and
 * then knows how long to wait.
 */
function refuseAdmission(request: AnyRequest, refusal: Refusal): TextResponse {
  const { status, code, message, isRate, retryAfter } = refusal;
  if (isRate && retryAfter && readAccept(request.headers.get('accept')).prefersStream) {
    return failedStream({ errors: [withoutHttp(tooManyRequests(message, retryAfter))] }, refusalHeaders(refusal), retryAfter);
  }
  return refuse(request, status, code, message, refusalHeaders(refusal), retryAfter);
}

/** Writes a refusal in the media type that the request accepts (GraphQL over HTTP, 6). */
function refuse(
  request: AnyRequest,
  status: number,
  code: string,
  message: string,
  headers?: Readonly<Record<string, string>>,
  retryAfter?: number,
): TextResponse {
  const type = readAccept(request.headers.get('accept')).result ?? 'application/json';
  return new TextResponse(JSON.stringify({ errors: [{ message, extensions: { code, retryAfter } }] }), {
    status,
    headers: { 'content-type': `${type}; charset=utf-8`, ...headers },
  });
}
