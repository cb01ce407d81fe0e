import type { ExecutionResult } from 'graphql';
import { type Admission, inTurn } from '../admission/admission.ts';
import type { Admitted } from '../admission/admit.ts';
import { OverloadError } from '../admission/fairness.ts';
import { actorOf } from '../domain/caller.ts';
import type { JsonText, ValuesResult } from '../execution/answers.ts';
import type { OperationBody } from '../execution/operation-body.ts';
import { type ObserveOperation, observed } from '../execution/operations.ts';
import { TextResponse } from '../server/text-response.ts';
import type { ResultType } from './accept.ts';
import type { CompiledDocuments } from './compiled-documents.ts';
import type { ContextFor } from './context-for.ts';

interface SimpleOperationOptions {
  readonly documents: CompiledDocuments;
  readonly contextFor: ContextFor;
  readonly admission: Pick<Admission, 'reads' | 'changes'>;
  readonly observe: ObserveOperation;
}

/**
 * - `response`: of an operation that succeeded
 * - `result`: of an operation that failed; Yoga makes its response
 * - `undefined`: not simple, or with invalid variables: it was not run
 */
type SimpleOutcome = { readonly response: TextResponse } | { readonly result: ExecutionResult } | undefined;

/**
 * Runs common operations in a tenth of Yoga's time: a POST of one query or mutation whose document was received before, if it succeeds. The response is
 * Yoga's, byte for byte.
 */
export function createSimpleOperations({ documents, contextFor, admission, observe }: SimpleOperationOptions) {
  return async (body: OperationBody | undefined, { caller, interest }: Admitted, type: ResultType): Promise<SimpleOutcome> => {
    if (!body?.isPlain || !body.query) return undefined;
    const { query, operationName, variables } = body;
    const compiled = documents.get(actorOf(caller), query, operationName);
    if (!compiled?.passes(variables)) return undefined;
    const { name, label, kind, run } = compiled;
    const context = contextFor(caller, interest);
    const facts = { face: 'graph', name, label, kind, caller } as const;
    const work = () =>
      observed(observe, facts, () => run(context, variables), { answeredError: () => context.answeredError, interest, isReported: wasRun });
    const result = await inTurn(admission, caller, kind, work, interest).catch(ignoreOverload);
    if (result === undefined) return undefined;
    if (result.text !== undefined) return { response: responseOf(result.text, type) };
    if (!result.errors) return { response: responseOf(JSON.stringify(result), type) };
    return wasRun(result) ? { result } : undefined;
  };
}

/** Whether the operation was run. One with invalid variables was not; Yoga refuses it, and reports it. */
const wasRun = (result: JsonText | ValuesResult) => result.text !== undefined || 'data' in result;

/** The operation was not run: Yoga tries, and reports the overload. */
function ignoreOverload(error: unknown): undefined {
  if (!(error instanceof OverloadError)) throw error;
}

function responseOf(text: string, type: ResultType): TextResponse {
  return new TextResponse(text, { status: 200, headers: { 'content-type': `${type}; charset=utf-8` } });
}
