import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { type Admission, inTurn } from '../admission/admission.ts';
import type { Admitted, Face } from '../admission/admit.ts';
import type { ClientInterest } from '../admission/client-interest.ts';
import { OverloadError } from '../admission/fairness.ts';
import type { Caller } from '../domain/caller.ts';
import { DomainError, type ErrorCode } from '../domain/errors.ts';
import { logPrivateCause } from '../domain/private-causes.ts';
import type { ValuesResult } from '../execution/answers.ts';
import { type ObserveOperation, observed } from '../execution/operations.ts';
import type { OperationContext, Run } from '../execution/run.ts';
import { type AnyRequest, targetOf } from '../server/node-request.ts';
import { TextResponse } from '../server/text-response.ts';
import { failure, success } from './envelopes.ts';
import { ContractFailure, errorNumbers, type Failure, refusal, refusedByAdmission, unauthorized } from './errors.ts';
import { prepare } from './execute.ts';
import { docsPage } from './openapi/docs-page.ts';
import { openApi } from './openapi/openapi.ts';
import type { Operation } from './operations/operation.ts';
import type { ContractSettings } from './operations/settings.ts';
import { table } from './operations/table.ts';
import { readRequest } from './request.ts';
import { createRouter } from './router.ts';
import { inContractWords } from './words.ts';

export interface ContractOptions extends ContractSettings {
  readonly schema: GraphQLSchema;
  /** Makes the resolvers' context for one request. */
  readonly contextFor: (caller: Caller, interest: ClientInterest) => OperationContext;
  readonly admission: Pick<Admission, 'reads' | 'changes'>;
  readonly observe: ObserveOperation;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

const OPENAPI_PATH = '/msteams/openapi.json';

/** The REST API under /msteams and /mxteams: each operation runs a GraphQL document. Every response has an envelope (REST.md, Envelopes). */
export function createContract(options: ContractOptions): Face {
  const { schema, contextFor, admission, observe, log } = options;
  const documents = new Map(table.map((operation) => [operation, prepare(schema, operation, log)]));
  const route = createRouter(table);
  const openApiText = JSON.stringify(openApi(options));

  async function run(request: AnyRequest, { caller, interest }: Admitted, operation: Operation, sid: string): Promise<TextResponse> {
    const fail = (failed: Failure) =>
      failure({ ...failed, message: inContractWords(failed.message, operation.body) }, operation.nestsFailureData);
    try {
      const showSecrets = options.restBotSecrets === 'plain' && caller.permissions.has('secrets');
      const read = await readRequest(request, operation, sid, showSecrets);
      const context = contextFor(withLargePages(caller), interest);
      const execute = documents.get(operation) as Run<ValuesResult>;
      const kind = request.method === 'GET' || request.method === 'HEAD' ? 'query' : 'mutation';
      const facts = { face: 'contract', name: operation.operation, label: operation.operation, kind, caller } as const;
      const ending = { answeredError: (result: ValuesResult) => answeredError(result, operation, read.sid), interest };
      const work = () => observed(observe, facts, () => execute(context, operation.variables(read)), ending);
      const { data, errors } = await inTurn(admission, caller, kind, work, interest);
      const error = errors?.[0];
      if (error) {
        logPrivateCause(log, caller, error.originalError);
        return fail(fromGraphQLError(error));
      }
      const result = data?.result as object | null | undefined;
      if (!result) return fail(fromDomainError(notFoundOf(operation, read.sid)));
      if (isError(result)) return fail(fromDomainError(result));
      return success(operation.success, operation.dataOf(result, read, options));
    } catch (error) {
      if (error instanceof ContractFailure) return fail(error.failure);
      if (error instanceof OverloadError) return fail(refusal(429, { 'retry-after': String(error.retryAfter) }));
      throw error;
    }
  }

  return {
    name: 'contract',
    handlePublic: (request) => {
      const { pathname } = targetOf(request);
      return pathname === OPENAPI_PATH ? serveOpenApi(request.method, openApiText) : docsPage(request.method, pathname);
    },
    refuse: (_request, refusal) => failure(refusedByAdmission(refusal)),
    handle: async (request, admitted) => {
      const matched = route(request.method, targetOf(request).pathname);
      if (matched.kind === 'unknown') return failure(refusal(404));
      if (matched.kind === 'not-allowed') return failure(refusal(405, { allow: matched.allow }));
      return run(request, admitted, matched.operation, matched.sid);
    },
  };
}

/** The contract's pages may be larger than the graph's (REST.md, Requests). */
const withLargePages = (caller: Caller): Caller =>
  Object.assign({}, caller, { permissions: new Set([...caller.permissions, 'large-pages'] as const) });

function serveOpenApi(method: string, text: string): TextResponse {
  if (method !== 'GET' && method !== 'HEAD') return failure(refusal(405, { allow: 'GET, HEAD' }));
  return new TextResponse(text, { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } });
}

/** An error that a mutation returned, as the documents select it. */
interface ErrorResult {
  readonly code: ErrorCode;
  readonly message: string;
  readonly value?: string | null;
}

function isError(result: object): result is ErrorResult {
  return 'code' in result && 'message' in result;
}

/** The code of the failure that a result without `errors` becomes. */
function answeredError({ data }: ValuesResult, operation: Operation, sid: string): ErrorCode | undefined {
  const result = data?.result as object | null | undefined;
  if (!result) return operation.notFound?.(sid).code;
  return isError(result) ? result.code : undefined;
}

function fromDomainError({ code, message, value }: ErrorResult | DomainError): Failure {
  return { ...errorNumbers[code], message, data: value ?? undefined };
}

function notFoundOf(operation: Operation, sid: string): DomainError {
  const error = operation.notFound?.(sid);
  if (!error) throw new Error(`${operation.operation} returned null`);
  return error;
}

/**
 * The failure of an error in the graph's `errors`, thrown by the domain or by a permission check.
 * @throws any other error, for `admit` to mask
 */
function fromGraphQLError(error: NonNullable<ExecutionResult['errors']>[number]): Failure {
  if (error.originalError instanceof DomainError) return fromDomainError(error.originalError);
  // graphql-jit leaves `extensions` undefined; graphql makes an empty object.
  const { code, value } = (error.extensions ?? {}) as { code?: unknown; value?: unknown };
  if (code === 'UNAUTHENTICATED') return unauthorized;
  if (code === 'FORBIDDEN') return refusal(403);
  if (typeof code === 'string' && Object.hasOwn(errorNumbers, code)) {
    return { ...errorNumbers[code as ErrorCode], message: error.message, data: typeof value === 'string' ? value : undefined };
  }
  throw error.originalError ?? error;
}
