import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Admission } from '../admission/admission.ts';
import { OverloadError } from '../admission/fairness.ts';
import { outageOf } from '../admission/outage.ts';
import { actorOf, type Caller } from '../domain/caller.ts';
import type { OperationContext } from '../execution/jit.ts';
import type { AnyRequest } from '../server/node-request.ts';
import { TextResponse } from '../server/text-response.ts';
import type { CompiledDocuments } from './compiled-documents.ts';
import type { ServerContext } from './yoga.ts';

export interface SimpleOperationOptions {
  readonly documents: CompiledDocuments;
  readonly contextFor: (caller: Caller) => OperationContext;
  readonly admission: Pick<Admission, 'reads' | 'changes'>;
  /** Is any document run, and not only those of a list? */
  readonly isOpen: boolean;
}

/** Its answer; or what was run already, where only the general path can tell of it; or nothing, where it is not simple. */
export type SimpleOutcome = { readonly response: TextResponse } | { readonly result: ExecutionResult } | undefined;

/**
 * The common request, in a tenth of the general path's time: a POST of one query or mutation, whose document came before, and which goes well. Its
 * answer is byte for byte what Yoga gives; whatever is unusual is left to Yoga.
 */
export function createSimpleOperations({ documents, contextFor, admission, isOpen }: SimpleOperationOptions) {
  return async (bytes: Buffer, { caller, isOver }: ServerContext): Promise<SimpleOutcome> => {
    const parameters = isOpen ? read(bytes) : undefined;
    if (!parameters) return undefined;
    const { query, operationName, variables } = parameters;
    const actor = actorOf(caller);
    const compiled = documents.get(actor, query, operationName);
    if (!compiled?.passes(variables)) return undefined;
    const context = contextFor(caller);
    const wanted = () => !isOver();
    const fairness = compiled.isQuery ? admission.reads : admission.changes;
    const result = await fairness.run(actor, () => compiled.run(context, variables), wanted).catch(unlessOverloaded);
    if (result === undefined) return undefined;
    if ('text' in result) return { response: answer(result.text) };
    if (!result.errors) return { response: answer(JSON.stringify(result)) };
    return compiled.isQuery && !result.errors.some(isOutage) ? undefined : { result };
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

interface Parameters {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What a body says, if that is nothing but a document, its operation's name and its variables. */
function read(bytes: Buffer): Parameters | undefined {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  if (!isObject(body)) return undefined;
  for (const name in body) if (name !== 'query' && name !== 'variables' && name !== 'operationName') return undefined;
  const { query, variables, operationName } = body;
  if (typeof query !== 'string' || query === '') return undefined;
  if (variables != null && !isObject(variables)) return undefined;
  if (operationName != null && typeof operationName !== 'string') return undefined;
  return { query, variables: variables ?? {}, operationName: operationName ?? undefined };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function answer(text: string): TextResponse {
  return new TextResponse(text, { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } });
}
