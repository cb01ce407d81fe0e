import { randomUUID } from 'node:crypto';
import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema, getOperationAST } from 'graphql';
import { shouldRenderGraphiQL } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Admission } from '../admission/admission.ts';
import { type Authentication, isRefusal, type Peer, type Refusal } from '../admission/authentication.ts';
import type { CredentialWatch } from '../admission/credential-watch.ts';
import { withDeadline } from '../admission/deadline.ts';
import { OverloadError } from '../admission/fairness.ts';
import { MAX_BODY_BYTES } from '../admission/limits.ts';
import type { Quota } from '../admission/quota.ts';
import { actorOf, type Caller } from '../domain/caller.ts';
import type { OperationContext } from '../execution/jit.ts';
import { type Subscription, subscribeRendered } from '../live/render.ts';
import { type AnyRequest, NodeRequest } from '../server/node-request.ts';
import { readBytes } from '../server/read-body.ts';
import { type AnyResponse, TextResponse } from '../server/text-response.ts';
import { createCompiledDocuments } from './compiled-documents.ts';
import { createDocumentChecks, withoutSuggestion } from './documents/checks.ts';
import { loadTrustedDocuments, type TrustedDocumentsSettings } from './documents/trusted-documents.ts';
import {
  bodyTooLarge,
  FAULT,
  maskError,
  RATE_EXCEEDED,
  takesTooLong,
  tooManyRequests,
  tooManySubscriptions,
  withoutStatus,
} from './errors.ts';
import { graphiql } from './graphiql.ts';
import { createSimpleOperations } from './simple-operation.ts';
import { type OperationParameters, type Operations, Prepared, type PreparedOperation, type StreamingGraph } from './streams/prepared.ts';
import { eventStream, failedStream, isSubscription, readOperation, wantsEventStream } from './streams/sse.ts';
import { createYogaServer, type ServerContext } from './yoga.ts';

/** What the graph shows of itself, and which operations it takes. */
export interface GraphSettings {
  /** May its schema be asked for, and do errors suggest its names? */
  readonly introspection: boolean;
  /** Is GraphiQL's page served? */
  readonly graphiql: boolean;
  /** Absent: there are none, and every operation is run. */
  readonly trustedDocuments?: TrustedDocumentsSettings;
}

interface GraphOptions extends GraphSettings {
  readonly schema: GraphQLSchema;
  readonly contextFor: (caller: Caller, resumeFrom?: string) => OperationContext;
  readonly authenticate: Authentication;
  readonly credentials: CredentialWatch;
  readonly admission: Admission;
  /** Open streams, over every transport. */
  readonly subscriptions: Quota;
  /** Is the gateway about to stop, so that streams end for their clients to go elsewhere? */
  readonly isDraining: () => boolean;
  readonly log: Logger;
}

/** The graph, for every transport. */
export interface Graph extends StreamingGraph {
  readonly fetch: (request: AnyRequest, peer: Peer) => Promise<AnyResponse>;
}

/** The codes of those whom authentication refuses. */
const REFUSED = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 429: 'TOO_MANY_REQUESTS', 503: 'SERVICE_UNAVAILABLE' } as const;

/**
 * The graph over HTTP: Yoga with its open defaults closed. Every operation needs credentials; GraphiQL's page alone is served without, and
 * the browser asks for them at its first operation. The handler never throws, and `x-request-id` names the request in the log.
 *
 * @throws SettingsError at once, where the trusted documents can't be used
 */
export function createGraph(options: GraphOptions): Graph {
  const { schema, contextFor, authenticate, credentials, admission, subscriptions, isDraining, log } = options;
  const { origins, rateLimit, reads, requestTimeoutMs } = admission;
  const trusted = loadTrustedDocuments(options.trustedDocuments, schema);
  const checks = createDocumentChecks({ schema, trusted, introspection: options.introspection });
  const mask = (error: unknown, requestId?: string) => {
    const masked = maskError(error, log, requestId);
    return options.introspection ? masked : withoutSuggestion(masked);
  };
  const simple = createSimpleOperations({
    ...{ documents: createCompiledDocuments(schema, checks, log), contextFor, admission },
    isOpen: options.trustedDocuments?.mode !== 'only',
  });
  const yoga = createYogaServer({ schema, contextFor, mask, checks, trusted, admission, log });

  function prepare(caller: Caller, parameters: OperationParameters, resumeFrom?: string): ReturnType<Graph['prepare']> {
    const { operationName, variables } = parameters;
    const enveloped = yoga.getEnveloped({ caller, params: {} } as never);
    let document: DocumentNode;
    try {
      document = enveloped.parse(trusted.resolve(parameters) ?? '');
    } catch (error) {
      if (!(error instanceof GraphQLError)) return { errors: [withoutStatus(mask(error, caller.requestId))] };
      // As Yoga does over HTTP.
      error.extensions.code ??= 'GRAPHQL_PARSE_FAILED';
      return { errors: [withoutStatus(error)] };
    }
    let errors = enveloped.validate(schema, document) as readonly GraphQLError[];
    if (errors.length === 0) errors = checks.check(document, operationName, variables);
    if (errors.length > 0) return { errors: errors.map(withoutStatus) };
    // A subscription's is never asked for, and keeps nothing.
    const execute = getOperationAST(document, operationName)?.operation === 'subscription' ? undefined : enveloped.execute;
    return new Prepared(operations, { document, operationName, variables, caller, resumeFrom, execute });
  }

  const operations: Operations = {
    schema,
    contextFor,
    mask: (error, requestId) => withoutStatus(mask(error, requestId)),
    subscribe,
    execute: async (prepared, execute) => {
      const { document, operationName, variables, caller } = prepared;
      const run = (isOver: () => boolean) => {
        const contextValue = { ...prepared.subscribingContext(), caller, isOver };
        return execute({ schema, document, operationName, variableValues: variables, contextValue }) as Promise<ExecutionResult>;
      };
      const { errors, ...result } = await withDeadline<ExecutionResult>(requestTimeoutMs, async (isOver) => run(isOver), late, {
        failed: failedLate,
      });
      return errors ? { ...result, errors: errors.map(withoutStatus) } : result;
    },
  };

  const ended = ({ caller }: Pick<Subscription, 'caller'>) => subscriptions.release(actorOf(caller));

  /** Opens a stream, unless its account has as many as it may. */
  async function subscribe(prepared: Prepared): ReturnType<PreparedOperation['subscribe']> {
    const actor = actorOf(prepared.caller);
    if (!subscriptions.take(actor)) return { errors: [tooManySubscriptions(subscriptions.maximum)] };
    try {
      const answers = await reads.run(actor, () => subscribeRendered(prepared, ended));
      if ('errors' in answers) ended(prepared);
      return answers;
    } catch (error) {
      ended(prepared);
      if (error instanceof OverloadError) return { errors: [withoutStatus(tooManyRequests(error.message))] };
      throw error;
    }
  }

  const late = (): ExecutionResult => ({ errors: [new GraphQLError(takesTooLong(requestTimeoutMs), { extensions: { code: 'TIMEOUT' } })] });
  const failedLate = (error: unknown) => log.error({ err: error }, 'an operation failed after its client was told that it takes too long');

  async function count(caller: Caller): Promise<GraphQLError | undefined> {
    const verdict = await rateLimit?.take(actorOf(caller));
    return verdict?.retryAfter === undefined ? undefined : withoutStatus(tooManyRequests(RATE_EXCEEDED, verdict.retryAfter));
  }

  /** A subscription's stream. Where the request is for anything else, Yoga answers. */
  async function streamOr(
    yogaAnswers: (request: Request) => Response | Promise<Response>,
    request: Request,
    caller: Caller,
  ): Promise<AnyResponse> {
    if (!wantsEventStream(request)) return yogaAnswers(request);
    const read = await readOperation(request);
    if (!read) return tooLarge(request);
    const prepared = read.parameters && prepare(caller, read.parameters, request.headers.get('last-event-id') ?? undefined);
    if (!prepared) return yogaAnswers(read.again);
    if ('errors' in prepared) return failedStream(prepared.errors);
    if (!isSubscription(prepared)) return yogaAnswers(read.again);
    return eventStream(prepared, request.signal, isDraining, credentials);
  }

  async function answer(request: AnyRequest, context: ServerContext): Promise<AnyResponse> {
    if (request.method === 'POST' && !isJson(request)) {
      return refuse(request, 415, 'UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json');
    }
    const { caller } = context;
    if (!(request instanceof NodeRequest)) return streamOr((asked) => yoga.fetch(asked, context), request, caller);
    const bytes = await readBytes(request, MAX_BODY_BYTES);
    if (!bytes) return tooLarge(request);
    const outcome = await simple(bytes, context);
    if (outcome && 'response' in outcome) return outcome.response;
    return yoga.fetch(await request.toRequest(), { ...context, ...outcome });
  }

  async function handle(request: AnyRequest, peer: Peer): Promise<AnyResponse> {
    if (options.graphiql && !(request instanceof NodeRequest) && shouldRenderGraphiQL(request)) return graphiql();
    let requestId: string | undefined;
    let limitHeaders: Readonly<Record<string, string>> = {};

    async function admit(isOver: () => boolean): Promise<AnyResponse> {
      try {
        if (origins.isForeignChange(request)) return refuse(request, 403, 'FORBIDDEN', 'Pages of other sites may change nothing here');
        const caller = await authenticate(request, peer);
        if (isRefusal(caller)) return refuse(request, caller.status, REFUSED[caller.status], caller.message, caller);
        requestId = caller.requestId;
        const verdict = await rateLimit?.take(actorOf(caller));
        limitHeaders = verdict?.headers ?? {};
        if (verdict?.retryAfter !== undefined) return refuse(request, 429, 'TOO_MANY_REQUESTS', RATE_EXCEEDED);
        return await answer(request, { caller, isOver });
      } catch (error) {
        requestId ??= randomUUID();
        const hasLeft = !(request instanceof NodeRequest) && request.signal.aborted;
        if (!hasLeft) log.error({ err: error, requestId }, 'unexpected error in the graph');
        return refuse(request, 500, 'INTERNAL_SERVER_ERROR', FAULT);
      }
    }

    const late = () => refuse(request, 503, 'TIMEOUT', takesTooLong(requestTimeoutMs));
    // A stream that begins too late would be open for nobody.
    const discard = (answer: AnyResponse) => void (answer instanceof Response && answer.body?.cancel());
    const response = await withDeadline<AnyResponse>(requestTimeoutMs, admit, late, { failed: failedLate, discard });
    for (const name in limitHeaders) response.headers.set(name, limitHeaders[name] as string);
    response.headers.set('x-request-id', requestId ?? randomUUID());
    return response;
  }

  return { fetch: handle, count, prepare, credentials };
}

/** Only declared JSON: a page of another site can't send that without CORS's leave, while forms and plain text it can. */
function isJson(request: AnyRequest): boolean {
  return /^application\/(graphql\+)?json\s*(;|$)/.test(request.headers.get('content-type') ?? '');
}

const tooLarge = (request: AnyRequest) => refuse(request, 413, 'REQUEST_ENTITY_TOO_LARGE', bodyTooLarge().message);

function refuse(
  request: AnyRequest,
  status: number,
  code: string,
  message: string,
  { challenge, retryAfter }: Pick<Refusal, 'challenge' | 'retryAfter'> = {},
): TextResponse {
  const type = request.headers.get('accept')?.includes('application/graphql-response+json')
    ? 'application/graphql-response+json'
    : 'application/json';
  return new TextResponse(JSON.stringify({ errors: [{ message, extensions: { code } }] }), {
    status,
    headers: {
      'content-type': `${type}; charset=utf-8`,
      ...(challenge ? { 'www-authenticate': challenge } : {}),
      ...(retryAfter ? { 'retry-after': String(retryAfter) } : {}),
    },
  });
}
