import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { type Admission, inTurn } from '../admission/admission.ts';
import type { Admitted, Face } from '../admission/admit.ts';
import { OverloadError } from '../admission/fairness.ts';
import type { Caller } from '../domain/caller.ts';
import { DomainError, type ErrorCode } from '../domain/errors.ts';
import { type ObserveOperation, observed } from '../execution/operations.ts';
import type { OperationContext } from '../execution/run.ts';
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
  readonly admission: Pick<Admission, 'reads' | 'changes'>;
  readonly observe: ObserveOperation;
  readonly log: Pick<Logger, 'warn'>;
}

const openApiPath = '/msteams/openapi.json';

/** The documented REST routes under /msteams and /mxteams, run over the graph's own operations. Every answer is one of REST.md's envelopes. */
export function createContract(options: ContractOptions): Face {
  const { schema, contextFor, admission, observe, log } = options;
  const documents = new Map<Operation, Execute>(table.map((operation) => [operation, prepare(schema, operation, log)]));
  const route = createRouter(table);
  const description = JSON.stringify(openApi(options));

  async function run(request: AnyRequest, { caller, hasTimedOut }: Admitted, operation: Operation, sid: string): Promise<TextResponse> {
    const fail = (failed: Failure) => failure(failed, operation.nestsFailureData);
    try {
      const showSecrets = options.restBotSecrets === 'plain' && caller.permissions.has('secrets');
      const read = await readRequest(request, operation, sid, showSecrets);
      const context = contextFor(withLargePages(caller));
      const execute = documents.get(operation) as Execute;
      const kind = request.method === 'GET' || request.method === 'HEAD' ? 'query' : 'mutation';
      const facts = { face: 'contract', name: operation.operation, kind, caller } as const;
      const work = () => observed(observe, facts, () => execute(context, operation.variables(read)));
      const { data, errors } = await inTurn(admission, caller, kind, work, hasTimedOut);
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

  return {
    name: 'contract',
    handlePublic: (request) => (targetOf(request).pathname === openApiPath ? describe(request.method, description) : undefined),
    refuse: (_request, refused) => failure(refusedBy(refused)),
    handle: async (request, admitted) => {
      const found = route(request.method, targetOf(request).pathname);
      if (found.kind === 'unknown') return failure(refusal(404));
      if (found.kind === 'not-allowed') return failure(refusal(405, { allow: found.allow }));
      return run(request, admitted, found.operation, found.sid);
    },
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
