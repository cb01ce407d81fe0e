import { randomUUID } from 'node:crypto';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Admission } from '../admission/admission.ts';
import { type Authentication, isRefusal, type Peer, type Refusal } from '../admission/authentication.ts';
import { withDeadline } from '../admission/deadline.ts';
import { OverloadError } from '../admission/fairness.ts';
import { OUTAGE_LOGGED, outageOf } from '../admission/outage.ts';
import { actorOf, type Caller } from '../domain/caller.ts';
import { DomainError, type ErrorCode } from '../domain/errors.ts';
import type { OperationContext } from '../execution/jit.ts';
import { type AnyRequest, targetOf } from '../server/node-request.ts';
import { TextResponse } from '../server/text-response.ts';
import { failure, success } from './envelopes.ts';
import { ContractFailure, type Failure, failures, refusal, refusedBy, unauthorized } from './errors.ts';
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
  readonly contextFor: (caller: Caller) => OperationContext;
  readonly authenticate: Authentication;
  readonly admission: Admission;
  readonly log: Pick<Logger, 'error' | 'warn'>;
}

const openApiPath = '/msteams/openapi.json';

/**
 * The documented REST routes under /msteams and /mxteams, run over the graph's own operations. The handler never throws: every
 * answer is one of REST.md's envelopes, and `x-request-id` names it in the log.
 *
 * @throws at once, where a document of the table does not fit the schema
 */
export function createContract(options: ContractOptions): (request: AnyRequest, peer?: Peer) => Promise<TextResponse> {
  const { schema, contextFor, authenticate, log } = options;
  const { origins, rateLimit, reads, changes, requestTimeoutMs } = options.admission;
  const documents = new Map<Operation, Execute>(table.map((operation) => [operation, prepare(schema, operation, log)]));
  const route = createRouter(table);
  const description = JSON.stringify(openApi(options));

  async function answer(request: AnyRequest, caller: Caller | Refusal, isOver: () => boolean): Promise<TextResponse> {
    const { pathname } = targetOf(request);
    if (isRefusal(caller)) return failure(refusedBy(caller));
    const found = route(request.method, pathname);
    if (found.kind === 'unknown') return failure(refusal(404));
    if (found.kind === 'not-allowed') return failure(refusal(405, { allow: found.allow }));
    return run(request, caller, found.operation, found.sid, isOver);
  }

  async function run(request: AnyRequest, caller: Caller, operation: Operation, sid: string, isOver: () => boolean): Promise<TextResponse> {
    const fail = (failed: Failure) => failure(failed, operation.nestsFailureData);
    try {
      const showSecrets = options.restBotSecrets === 'plain' && caller.permissions.has('secrets');
      const read = await readRequest(request, operation, sid, showSecrets);
      const context = contextFor(withLargePages(caller));
      const execute = documents.get(operation) as Execute;
      const { data, errors } = await (request.method === 'GET' || request.method === 'HEAD' ? reads : changes).run(
        actorOf(caller),
        () => execute(context, operation.variables(read)),
        () => !isOver(),
      );
      const error = errors?.[0];
      if (error) return fail(fromGraphQLError(error));
      const result = data?.result as object | null | undefined;
      if (!result) return fail(fromDomainError(missing(operation, read.sid)));
      if (isError(result)) return fail(fromDomainError(result));
      return success(operation.success, operation.envelope(result, read, options));
    } catch (error) {
      if (error instanceof ContractFailure) return fail(error.failure);
      if (error instanceof OverloadError) return fail(refusal(429));
      throw error;
    }
  }

  return async (request, peer = {}) => {
    let requestId: string = randomUUID();
    let limitHeaders: Readonly<Record<string, string>> = {};

    async function admit(isOver: () => boolean): Promise<TextResponse> {
      try {
        if (targetOf(request).pathname === openApiPath) return describe(request.method, description);
        if (origins.isForeignChange(request)) return failure(refusal(403));
        const caller = await authenticate(request, peer);
        if (isRefusal(caller)) return await answer(request, caller, isOver);
        requestId = caller.requestId;
        const verdict = await rateLimit?.take(actorOf(caller));
        limitHeaders = verdict?.headers ?? {};
        if (verdict?.retryAfter !== undefined) return failure(refusal(429));
        return await answer(request, caller, isOver);
      } catch (error) {
        const outage = outageOf(error);
        log.error({ err: error, requestId }, outage ? OUTAGE_LOGGED : 'unexpected error in the contract');
        return failure(outage ? refusal(503, { 'retry-after': String(outage.retryAfter) }) : refusal(500));
      }
    }

    const response = await withDeadline(
      requestTimeoutMs,
      admit,
      () =>
        failure({
          ...refusal(503),
          message: `The operation takes longer than ${requestTimeoutMs / 1000} s; what it changes may still come to be`,
        }),
      { failed: (error) => log.error({ err: error, requestId }, 'an operation failed after its client was told that it takes too long') },
    );
    for (const name in limitHeaders) response.headers.set(name, limitHeaders[name] as string);
    response.headers.set('x-request-id', requestId);
    return request.method === 'HEAD' ? response.withoutContent() : response;
  };
}

/** REST.md, Requests: pages of up to 1000. */
const withLargePages = (caller: Caller): Caller =>
  Object.assign({}, caller, { permissions: new Set([...caller.permissions, 'large-pages'] as const) });

function describe(method: string, description: string): TextResponse {
  if (method !== 'GET' && method !== 'HEAD') return failure(refusal(405, { allow: 'GET, HEAD' }));
  return new TextResponse(description, { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } });
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
