import { type DocumentNode, type ExecutionResult, GraphQLError, getOperationAST, Kind, type OperationTypeNode } from 'graphql';
import { LostInterestError } from '../database/interest.ts';
import { isUnavailable } from '../database/unavailable.ts';
import type { Caller } from '../domain/caller.ts';
import { DomainError } from '../domain/errors.ts';

/** A report of an operation that was run: over HTTP, a stream or REST; planned, compiled or by graphql's own `execute`. */
export interface OperationReport {
  readonly face: 'graph' | 'contract';
  /** The name in the document, or the contract's; absent if it has none. */
  readonly name: string | undefined;
  /** For metrics: the name if it is a trusted document's or the contract's, else the first field at the root. Of few values. */
  readonly label: string;
  /** A subscription is reported once it has opened, or failed to open. */
  readonly kind: `${OperationTypeNode}`;
  readonly caller: Caller;
  /** `OK`; the code of the first error, also of one that is data; `TIMEOUT`: its time was up; or `ABANDONED`: the client had gone. */
  readonly outcome: string;
  /** The time from its turn in the queue to its result, in ms. */
  readonly durationMs: number;
  /** Whether it was answered from packed rows. */
  readonly planned: boolean;
}

/** Receives a report of every operation that was run. Must not throw. */
export type ObserveOperation = (report: OperationReport) => void;

/** The part of the report that is known before the operation runs. */
type OperationFacts = Pick<OperationReport, 'face' | 'name' | 'label' | 'kind' | 'caller'>;

/** The part of a run's result that is reported. A planned run has `text` or `planned`. */
interface Outcome {
  readonly text?: string;
  readonly planned?: boolean;
  readonly errors?: ExecutionResult['errors'];
}

/** What else says how an operation has ended. */
interface Ending<Result> {
  /** The code of an error that is data of the result, if it has no `errors`. */
  readonly answeredError?: (result: Result) => string | undefined;
  /** Its client's interest. */
  readonly interest?: { readonly hasTimedOut: boolean };
  /** Returns false for a result that is discarded because the operation runs again. */
  readonly isReported?: (result: Result) => boolean;
}

/**
 * Runs an operation and reports it.
 * @throws the error of `run`, after reporting its code
 */
export async function observed<Result extends object>(
  observe: ObserveOperation,
  facts: OperationFacts,
  run: () => Promise<Result> | Result,
  { answeredError, interest, isReported }: Ending<Result> = {},
): Promise<Result> {
  const began = performance.now();
  const report = (outcome: string, planned: boolean) =>
    observe(Object.assign({ outcome, planned, durationMs: performance.now() - began }, facts));
  try {
    const result = await run();
    if (isReported && !isReported(result)) return result;
    const { errors, planned, text } = result as Outcome;
    const code = errors?.[0] ? codeOf(errors[0], interest) : answeredError?.(result);
    report(code ?? 'OK', planned ?? text !== undefined);
    return result;
  } catch (error) {
    report(codeOf(error instanceof GraphQLError ? error : new GraphQLError('', { originalError: error as Error }), interest), false);
    throw error;
  }
}

/**
 * Returns the name, label and kind of the operation that `operationName` selects in a valid document.
 * @param trustedNames the names of trusted documents' operations
 */
export function factsOf(
  document: DocumentNode,
  operationName: string | null | undefined,
  trustedNames: ReadonlySet<string>,
): Pick<OperationFacts, 'name' | 'label' | 'kind'> {
  const operation = getOperationAST(document, operationName);
  const name = operation?.name?.value;
  const first = operation?.selectionSet.selections[0];
  const field = first?.kind === Kind.FIELD ? first.name.value : 'fragment';
  return { name, label: name !== undefined && trustedNames.has(name) ? name : field, kind: operation?.operation ?? 'query' };
}

/** The outcomes that are the gateway's fault, or its database's, never the caller's: an alert counts them (ops/alerts.yml). */
export const FAULTS = ['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE', 'TIMEOUT'] as const;
const [UNEXPECTED, UNAVAILABLE, LATE] = FAULTS;

/** Returns the code that the caller will get, or has got: the error is not masked yet. ABANDONED: no caller waits for one. */
function codeOf(error: GraphQLError, interest: Ending<object>['interest']): string {
  const thrown = error.originalError ?? error;
  if (thrown instanceof DomainError) return thrown.code;
  if (thrown instanceof LostInterestError) return interest?.hasTimedOut ? LATE : 'ABANDONED';
  if (isUnavailable(thrown)) return UNAVAILABLE;
  const { code } = error.extensions ?? {};
  if (typeof code === 'string') return code;
  // During execution, graphql's own errors are about values of the wrong type.
  return thrown instanceof GraphQLError ? 'BAD_USER_INPUT' : UNEXPECTED;
}
