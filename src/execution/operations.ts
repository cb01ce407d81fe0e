import { type DocumentNode, type ExecutionResult, GraphQLError, getOperationAST, type OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import { isUnavailable } from '../database/unavailable.ts';
import type { Caller } from '../domain/caller.ts';
import { DomainError } from '../domain/errors.ts';

/** An operation that was run, in whatever way: over HTTP, a stream or REST, planned, compiled or by graphql's own `execute`. */
export interface OperationReport {
  readonly face: 'graph' | 'contract';
  /** Its name in the document, or the contract's; absent for an anonymous one. */
  readonly name: string | undefined;
  /** A subscription is reported once it is open or refused. */
  readonly kind: `${OperationTypeNode}`;
  readonly caller: Caller;
  /** `OK`, or the code of the first error. */
  readonly outcome: string;
  /** From its turn to its result, in ms. */
  readonly durationMs: number;
  /** Was it answered from packed rows? */
  readonly planned: boolean;
}

/** Receives a report of every operation that was run. Must not throw. */
export type ObserveOperation = (report: OperationReport) => void;

/** What is known of an operation before it is run. */
type OperationFacts = Pick<OperationReport, 'face' | 'name' | 'kind' | 'caller'>;

/** What a run gives, as far as it is reported. Only a planned run has its answer as text. */
interface Outcome {
  readonly text?: string;
  readonly planned?: boolean;
  readonly errors?: ExecutionResult['errors'];
}

/**
 * Runs an operation and reports it.
 * @param isReported false for a result that is dropped, since the operation is run again
 * @throws what `run` throws, reported by its code
 */
export async function observed<Result extends object>(
  observe: ObserveOperation,
  facts: OperationFacts,
  run: () => Promise<Result> | Result,
  isReported?: (result: Result) => boolean,
): Promise<Result> {
  const began = performance.now();
  const report = (outcome: string, planned: boolean) =>
    observe(Object.assign({ outcome, planned, durationMs: performance.now() - began }, facts));
  try {
    const result = await run();
    if (isReported && !isReported(result)) return result;
    const { errors, planned, text } = result as Outcome;
    report(codeOf(errors), planned ?? text !== undefined);
    return result;
  } catch (error) {
    report(codeOf([error instanceof GraphQLError ? error : new GraphQLError('', { originalError: error as Error })]), false);
    throw error;
  }
}

/** The name and kind of the operation that a document's text and a name mean. */
export function factsOf(document: DocumentNode, operationName: string | null | undefined): Pick<OperationFacts, 'name' | 'kind'> {
  const operation = getOperationAST(document, operationName);
  return { name: operation?.name?.value, kind: operation?.operation ?? 'query' };
}

/** The code that the caller is shown: errors are not masked yet. */
function codeOf(errors: ExecutionResult['errors']): string {
  const [error] = errors ?? [];
  if (!error) return 'OK';
  const thrown = error.originalError ?? error;
  if (thrown instanceof DomainError) return thrown.code;
  if (isUnavailable(thrown)) return 'SERVICE_UNAVAILABLE';
  const { code } = error.extensions ?? {};
  if (typeof code === 'string') return code;
  // GraphQL's own errors in execution are about values of the wrong type.
  return thrown instanceof GraphQLError ? 'BAD_USER_INPUT' : 'INTERNAL_SERVER_ERROR';
}

/** The access log: a line for each operation, at level `debug`. */
export function createAccessLog(log: Pick<Logger, 'debug' | 'isLevelEnabled'>): ObserveOperation {
  if (!log.isLevelEnabled('debug')) return () => {};
  return ({ caller, durationMs, ...report }) => {
    const { accountSid, adminSid, accessTokenSid, requestId, remoteAddress } = caller;
    const ms = Math.round(durationMs * 10) / 10;
    log.debug({ ...report, ms, accountSid, adminSid, accessTokenSid, requestId, remoteAddress }, 'operation');
  };
}
