import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema, Kind } from 'graphql';
import { createYoga, type Plugin, shouldRenderGraphiQL } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Caller } from '../domain/caller.ts';
import { DomainError } from '../domain/errors.ts';
import type { CredentialWatch } from '../live/credential-watch.ts';
import type { Subscription } from '../live/render.ts';
import { type Authentication, isRefusal, type Peer } from './authentication.ts';
import { examples } from './graphiql-examples.ts';
import { MAX_BODY_BYTES } from './limits.ts';
import { eventStream, failedStream, isSubscription, readOperation, wantsEventStream } from './sse.ts';

interface GraphOptions {
  readonly schema: GraphQLSchema;
  readonly contextFor: (caller: Caller, resumeFrom?: string) => object;
  readonly authenticate: Authentication;
  readonly credentials: CredentialWatch;
  /** Is the gateway about to stop, so that streams end for their clients to go elsewhere? */
  readonly isDraining: () => boolean;
  readonly log: Logger;
}

/** What a client says it wants run. */
interface Parameters {
  readonly query?: string | null;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
}

/** An operation that is parsed and valid, with what it is run with. */
export interface PreparedSubscription extends Subscription {
  readonly execute: () => Promise<ExecutionResult>;
}

/** The graph, for every transport. */
export interface Graph {
  readonly fetch: (request: Request, peer: Peer) => Promise<Response>;
  /** Parses and validates, as for a request over HTTP. */
  readonly prepare: (
    caller: Caller,
    parameters: Parameters,
    resumeFrom?: string,
  ) => PreparedSubscription | { errors: readonly GraphQLError[] };
  readonly execute: (prepared: PreparedSubscription) => Promise<ExecutionResult>;
  /** Calls `end` when the caller's credentials stop being valid. */
  readonly watch: CredentialWatch['watch'];
}

/** What each request brings along; `caller` is absent only for GraphiQL's page. */
interface ServerContext {
  readonly caller: Caller | undefined;
}

const FAULT = 'Something went wrong on our side';

/** The codes of those whom authentication refuses. */
const REFUSED = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 503: 'SERVICE_UNAVAILABLE' } as const;

/** The id of the request that is being answered, for the log of its faults: Yoga doesn't tell maskError whose error it is. */
const requestIds = new AsyncLocalStorage<string>();

/**
 * The graph over HTTP: Yoga with its open defaults closed. Every operation needs credentials; GraphiQL's page alone is served without, and
 * the browser asks for them at its first operation. The handler never throws, and `x-request-id` names the request in the log.
 */
export function createGraph({ schema, contextFor, authenticate, credentials, isDraining, log }: GraphOptions): Graph {
  const yoga = createYogaServer(schema, contextFor, log);

  function prepare(caller: Caller, { query, operationName, variables }: Parameters, resumeFrom?: string): ReturnType<Graph['prepare']> {
    const enveloped = yoga.getEnveloped({ caller, params: { query: query ?? undefined } } as never);
    let document: DocumentNode;
    try {
      document = enveloped.parse(query ?? '');
    } catch (error) {
      return { errors: [error instanceof GraphQLError ? error : maskError(error, log)] };
    }
    const errors = enveloped.validate(schema, document) as readonly GraphQLError[];
    if (errors.length > 0) return { errors };
    const subscribingContext = () => contextFor(caller, resumeFrom);
    const execute = async () => {
      const contextValue = subscribingContext();
      return (await enveloped.execute({ schema, document, operationName, variableValues: variables, contextValue })) as ExecutionResult;
    };
    return {
      schema,
      document,
      operationName,
      variables,
      caller,
      subscribingContext,
      execute,
      freshContext: () => contextFor(caller),
      maskError: (error: unknown) => maskError(error, log),
    };
  }

  /** A subscription's stream; `undefined` where the request is for anything else, which Yoga answers. */
  async function stream(request: Request, caller: Caller): Promise<Response | undefined> {
    const parameters = wantsEventStream(request) ? await readOperation(request) : undefined;
    const prepared = parameters && prepare(caller, parameters, request.headers.get('last-event-id') ?? undefined);
    if (!prepared) return undefined;
    if ('errors' in prepared) return failedStream(prepared.errors);
    if (!isSubscription(prepared)) return undefined;
    return eventStream(prepared, request.signal, isDraining, credentials);
  }

  async function answer(request: Request, caller: Caller): Promise<Response> {
    if (request.method === 'POST' && !isJson(request)) {
      return refuse(request, 415, 'UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json');
    }
    return requestIds.run(caller.requestId, async () => (await stream(request, caller)) ?? yoga.fetch(request, { caller }));
  }

  async function handle(request: Request, peer: Peer): Promise<Response> {
    let requestId: string | undefined;
    let response: Response;
    try {
      if (shouldRenderGraphiQL(request)) return await yoga.fetch(request, { caller: undefined });
      const caller = await authenticate(request, peer);
      if (isRefusal(caller)) return refuse(request, caller.status, REFUSED[caller.status], caller.message, caller.challenge);
      requestId = caller.requestId;
      response = await answer(request, caller);
    } catch (error) {
      requestId ??= randomUUID();
      log.error({ err: error, requestId }, 'unexpected error in the graph');
      response = refuse(request, 500, 'INTERNAL_SERVER_ERROR', FAULT);
    }
    response.headers.set('x-request-id', requestId);
    return response;
  }

  return { fetch: handle, prepare, execute: (prepared) => prepared.execute(), watch: credentials.watch };
}

/** Only declared JSON: a page of another site can't send that without CORS's leave, while forms and plain text it can. */
function isJson(request: Request): boolean {
  return /^application\/(graphql\+)?json\s*(;|$)/.test(request.headers.get('content-type') ?? '');
}

function refuse(request: Request, status: number, code: string, message: string, challenge?: string): Response {
  const type = request.headers.get('accept')?.includes('application/graphql-response+json')
    ? 'application/graphql-response+json'
    : 'application/json';
  return new Response(JSON.stringify({ errors: [{ message, extensions: { code } }] }), {
    status,
    headers: {
      'content-type': `${type}; charset=utf-8`,
      ...(challenge ? { 'www-authenticate': challenge } : {}),
    },
  });
}

/** Streams are served by eventStream alone, which looks after their credentials and their end. */
const noStreams: Plugin = {
  onSubscribe: ({ setResultAndStopExecution }) => {
    const message = 'A subscription is answered as text/event-stream, or over a WebSocket';
    setResultAndStopExecution({ errors: [new GraphQLError(message, { extensions: { code: 'NOT_ACCEPTABLE', http: { status: 406 } } })] });
  },
};

function createYogaServer(schema: GraphQLSchema, contextFor: (caller: Caller) => object, log: Logger) {
  return createYoga<ServerContext, object>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: MAX_BODY_BYTES,
    logging: {
      debug: (...parts) => log.debug(parts.join(' ')),
      info: (...parts) => log.info(parts.join(' ')),
      warn: (...parts) => log.warn(parts.join(' ')),
      // Only of what maskError was given, also where that was no fault: it logs what is one.
      error: () => {},
    },
    plugins: [noStreams],
    context: ({ caller }) => (caller ? contextFor(caller) : {}),
    maskedErrors: { maskError: (error) => maskError(error, log) },
    graphiql: { title: 'SMS for Microsoft Teams', defaultTabs: [...examples], shouldPersistHeaders: false, credentials: 'same-origin' },
    // Nine megabytes, which would delay every start.
    renderGraphiQL: async (options) => (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options ?? {}),
  });
}

/**
 * Errors given on purpose keep their text and get their code, values that don't fit the schema get BAD_USER_INPUT; whatever else is logged
 * in full and shown as INTERNAL_SERVER_ERROR. Yoga hands in the GraphQLError that execution made of what a resolver threw.
 */
export function maskError(error: unknown, log: Logger): GraphQLError {
  const thrown = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  const { nodes, path, extensions } = error instanceof GraphQLError ? error : {};
  if (thrown instanceof DomainError) {
    return new GraphQLError(thrown.message, {
      nodes,
      path,
      extensions: { code: thrown.code, argument: thrown.parameter, value: thrown.value },
    });
  }
  if (thrown instanceof GraphQLError) {
    if (thrown.extensions.code) return error as GraphQLError;
    // GraphQL's own errors in execution: of an argument they point at the argument, of what a resolver answered at the field.
    if (!path || nodes?.[0]?.kind !== Kind.FIELD) {
      return new GraphQLError(thrown.message, { nodes, path, extensions: { ...extensions, code: 'BAD_USER_INPUT' } });
    }
  }
  log.error({ err: thrown, path, requestId: requestIds.getStore() }, 'unexpected error in the graph');
  // Outside of a field there is no partial answer to give.
  return new GraphQLError(FAULT, { nodes, path, extensions: { code: 'INTERNAL_SERVER_ERROR', http: path ? undefined : { status: 500 } } });
}
