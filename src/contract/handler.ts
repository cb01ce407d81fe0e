import { randomUUID } from 'node:crypto';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Caller } from '../domain/caller.ts';
import { DomainError, type ErrorCode } from '../domain/errors.ts';
import { type Authentication, isRefusal, type Peer, type Refusal } from '../http/authentication.ts';
import { failure, success } from './envelopes.ts';
import { ContractFailure, type Failure, failures, refusal, unauthorized, unauthorizedBy } from './errors.ts';
import { type Execute, prepare } from './execute.ts';
import { openApi } from './openapi.ts';
import type { Operation } from './operation.ts';
import { readRequest } from './request.ts';
import { createRouter } from './router.ts';
import type { Settings } from './settings.ts';
import { table } from './table.ts';

export interface ContractOptions extends Settings {
  readonly schema: GraphQLSchema;
  /** The context of the graph's resolvers for one request of this caller. */
  readonly contextFor: (caller: Caller) => object;
  readonly authenticate: Authentication;
  readonly log: { error(detail: object, message: string): void };
}

const openApiPath = '/msteams/openapi.json';

/**
 * The documented REST routes under /msteams and /mxteams, run over the graph's own operations. The handler never throws: every
 * answer is one of REST.md's envelopes, and `x-request-id` names it in the log.
 *
 * @throws at once, where a document of the table does not fit the schema
 */
export function createContract(options: ContractOptions): (request: Request, peer?: Peer) => Promise<Response> {
  const { schema, contextFor, authenticate, log } = options;
  const documents = new Map<Operation, Execute>(table.map((operation) => [operation, prepare(schema, operation)]));
  const route = createRouter(table);
  const description = JSON.stringify(openApi(options));

  async function answer(request: Request, caller: Caller | Refusal): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (isRefusal(caller)) return failure(caller.status === 401 ? unauthorizedBy(caller) : refusal(caller.status));
    const found = route(request.method, pathname);
    if (found.kind === 'unknown') return failure(refusal(404));
    if (found.kind === 'not-allowed') return failure(refusal(405, { allow: found.allow }));
    return run(request, caller, found.operation, found.sid);
  }

  async function run(request: Request, caller: Caller, operation: Operation, sid: string): Promise<Response> {
    const fail = (failed: Failure) => failure(failed, operation.nestsFailureData);
    try {
      const showSecrets = options.restBotSecrets === 'plain' && caller.permissions.has('secrets');
      const read = await readRequest(request, operation, sid, showSecrets);
      const context = contextFor({ ...caller, permissions: new Set([...caller.permissions, 'large-pages']) });
      const execute = documents.get(operation) as Execute;
      const { data, errors } = await execute(context, operation.variables(read));
      const error = errors?.[0];
      if (error) return fail(fromGraphQLError(error));
      const result = data?.result as object | null | undefined;
      if (!result) return fail(fromDomainError(missing(operation, read.sid)));
      if (isError(result)) return fail(fromDomainError(result));
      return success(operation.success, operation.envelope(result, read, options));
    } catch (error) {
      if (error instanceof ContractFailure) return fail(error.failure);
      throw error;
    }
  }

  return async (request, peer = {}) => {
    let requestId: string = randomUUID();
    let response: Response;
    try {
      if (new URL(request.url).pathname === openApiPath) {
        response = describe(request.method, description);
      } else {
        const caller = await authenticate(request, peer);
        if (!isRefusal(caller)) requestId = caller.requestId;
        response = await answer(request, caller);
      }
    } catch (error) {
      log.error({ err: error, requestId }, 'unexpected error in the contract');
      response = failure(refusal(500));
    }
    response.headers.set('x-request-id', requestId);
    return request.method === 'HEAD' ? new Response(null, response) : response;
  };
}

function describe(method: string, description: string): Response {
  if (method !== 'GET' && method !== 'HEAD') return failure(refusal(405, { allow: 'GET, HEAD' }));
  return new Response(description, { headers: { 'content-type': 'application/json; charset=utf-8' } });
}

/** An error member of a result union, as the mutations' documents select it. */
interface ErrorResult {
  readonly code: ErrorCode;
  readonly message: string;
  readonly value?: string | null;
}

function isError(result: object): result is ErrorResult {
  return 'code' in result && 'message' in result;
}

function fromDomainError({ code, message, value }: ErrorResult | DomainError): Failure {
  return { ...failures[code], message, data: value ?? undefined };
}

function missing(operation: Operation, sid: string): DomainError {
  const error = operation.notFound?.(sid);
  if (!error) throw new Error(`${operation.operation} answered null`);
  return error;
}

/**
 * A top-level error of the graph: thrown by the domain, or by the permission checks, or a fault.
 *
 * @throws what is not an answer, to be masked
 */
function fromGraphQLError(error: NonNullable<ExecutionResult['errors']>[number]): Failure {
  if (error.originalError instanceof DomainError) return fromDomainError(error.originalError);
  // graphql-jit leaves extensions undefined where graphql has an empty object.
  const { code, value } = (error.extensions ?? {}) as { code?: unknown; value?: unknown };
  if (code === 'UNAUTHENTICATED') return unauthorized;
  if (code === 'FORBIDDEN') return refusal(403);
  if (typeof code === 'string' && Object.hasOwn(failures, code)) {
    return { ...failures[code as ErrorCode], message: error.message, data: typeof value === 'string' ? value : undefined };
  }
  throw error.originalError ?? error;
}
