import type { ExecutionResult, GraphQLError } from 'graphql';
import { type Admission, inTurn } from '../admission/admission.ts';
import type { Admitted } from '../admission/admit.ts';
import { OverloadError } from '../admission/fairness.ts';
import { outageOf } from '../admission/outage.ts';
import { actorOf, type Caller } from '../domain/caller.ts';
import { decodeBody } from '../execution/operation-body.ts';
import { type ObserveOperation, observed } from '../execution/operations.ts';
import type { OperationContext } from '../execution/run.ts';
import type { AnyRequest } from '../server/node-request.ts';
import { TextResponse } from '../server/text-response.ts';
import type { CompiledDocuments } from './compiled-documents.ts';

export interface SimpleOperationOptions {
  readonly documents: CompiledDocuments;
  readonly contextFor: (caller: Caller) => OperationContext;
  readonly admission: Pick<Admission, 'reads' | 'changes'>;
  readonly observe: ObserveOperation;
}

/** Its answer; or the result of a run whose errors only the general path can report; or `undefined` where the operation is not simple. */
export type SimpleOutcome = { readonly response: TextResponse } | { readonly result: ExecutionResult } | undefined;

/**
 * The common request, in a tenth of the general path's time: a POST of one query or mutation whose document came before, and which succeeds. The
 * answer is byte for byte what Yoga gives; anything unusual is left to Yoga.
 */
export function createSimpleOperations({ documents, contextFor, admission, observe }: SimpleOperationOptions) {
  return async (bytes: Buffer, { caller, isOver }: Admitted): Promise<SimpleOutcome> => {
    const body = decodeBody(bytes);
    if (!body?.isPlain || !body.query) return undefined;
    const { query, operationName, variables } = body;
    const compiled = documents.get(actorOf(caller), query, operationName);
    if (!compiled?.passes(variables)) return undefined;
    const { name, kind, run } = compiled;
    const context = contextFor(caller);
    const work = () => observed(observe, { face: 'graph', name, kind, caller }, () => run(context, variables));
    const result = await inTurn(admission, caller, kind, work, isOver).catch(unlessOverloaded);
    if (result === undefined) return undefined;
    if (result.text !== undefined) return { response: answer(result.text) };
    if (!result.errors) return { response: answer(JSON.stringify(result)) };
    return kind === 'query' && !result.errors.some(isOutage) ? undefined : { result };
  };
}

/** Running it again would only make the database's trouble worse. */
const isOutage = ({ originalError }: GraphQLError) => outageOf(originalError) !== undefined;

/** Then nothing was run. */
function unlessOverloaded(error: unknown): undefined {
  if (!(error instanceof OverloadError)) throw error;
}

/** Is it answered as application/json, whatever becomes of it? */
export function isSimple({ method, headers }: AnyRequest): boolean {
  if (method !== 'POST' || !/^application\/json *(; *charset=utf-8)?$/i.test(headers.get('content-type') ?? '')) return false;
  if (headers.has('content-encoding')) return false;
  const accept = headers.get('accept');
  return accept === null || accept === '*/*' || accept === 'application/json';
}

function answer(text: string): TextResponse {
  return new TextResponse(text, { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } });
}
