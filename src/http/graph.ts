import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { createYoga, shouldRenderGraphiQL } from 'graphql-yoga';
import type { Logger } from 'pino';
import { DomainError } from '../domain/errors.ts';
import type { Caller } from '../domain/caller.ts';
import { type Authentication, CHALLENGE, isRefusal, type Peer } from './authentication.ts';
import { examples } from './graphiql-examples.ts';
import { MAX_BODY_BYTES } from './limits.ts';

interface GraphOptions {
  readonly schema: GraphQLSchema;
  readonly contextFor: (caller: Caller) => object;
  readonly authenticate: Authentication;
  readonly log: Logger;
}

/** What each request brings along; `caller` is absent only for GraphiQL's page. */
interface ServerContext {
  readonly caller: Caller | undefined;
}

/**
 * The graph over HTTP: Yoga with its open defaults closed. Every operation needs credentials; GraphiQL's page alone is served without, and
 * the browser asks for them at its first operation.
 */
export function createGraph({ schema, contextFor, authenticate, log }: GraphOptions) {
  const yoga = createYogaServer(schema, contextFor, log);
  return async (request: Request, peer: Peer): Promise<Response> => {
    if (shouldRenderGraphiQL(request)) return yoga.fetch(request, { caller: undefined });
    const caller = await authenticate(request, peer);
    if (isRefusal(caller)) return refuse(request, caller.status, caller.status === 401 ? 'UNAUTHENTICATED' : 'FORBIDDEN', caller.message);
    if (request.method === 'POST' && !isJson(request)) {
      return refuse(request, 415, 'UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json');
    }
    const response = await yoga.fetch(request, { caller });
    response.headers.set('x-request-id', caller.requestId);
    return response;
  };
}

/** Only declared JSON: a page of another site can't send that without CORS's leave, while forms and plain text it can. */
function isJson(request: Request): boolean {
  return /^application\/(graphql\+)?json\s*(;|$)/i.test(request.headers.get('content-type') ?? '');
}

function refuse(request: Request, status: number, code: string, message: string): Response {
  const type = request.headers.get('accept')?.includes('application/graphql-response+json')
    ? 'application/graphql-response+json'
    : 'application/json';
  return new Response(JSON.stringify({ errors: [{ message, extensions: { code } }] }), {
    status,
    headers: {
      'content-type': `${type}; charset=utf-8`,
      ...(status === 401 ? { 'www-authenticate': CHALLENGE } : {}),
    },
  });
}

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
      error: (...parts) => log.error({ err: parts[0] }, 'graph'),
    },
    context: ({ caller }) => (caller ? contextFor(caller) : {}),
    maskedErrors: { maskError: (error) => maskError(error, log) },
    graphiql: { title: 'SMS for Microsoft Teams', defaultTabs: [...examples], shouldPersistHeaders: false, credentials: 'same-origin' },
    renderGraphiQL,
  });
}

/**
 * Errors given on purpose keep their text and get their code; whatever else is logged in full and shown as INTERNAL_SERVER_ERROR.
 * Yoga hands in the GraphQLError that execution made of what a resolver threw.
 */
export function maskError(error: unknown, log: Logger): GraphQLError {
  const thrown = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  const { nodes, path } = error instanceof GraphQLError ? error : {};
  if (thrown instanceof DomainError) {
    return new GraphQLError(thrown.message, { nodes, path, extensions: { code: thrown.code, argument: thrown.path, value: thrown.value } });
  }
  if (thrown instanceof GraphQLError) return error as GraphQLError;
  log.error({ err: thrown, path }, 'unexpected error in the graph');
  return new GraphQLError('Something went wrong on our side', { nodes, path, extensions: { code: 'INTERNAL_SERVER_ERROR' } });
}
