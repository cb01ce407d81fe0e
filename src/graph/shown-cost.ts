import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';
import type { Admitted } from '../admission/admit.ts';
import type { Rate } from '../admission/rate-limit.ts';
import { costOf, MAX_COST } from './documents/cost.ts';
import { asksForCost, COST_HEADER } from './streams/asks-for-cost.ts';

interface CostedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null;
  readonly variableValues?: Readonly<Record<string, unknown>> | null;
}

/**
 * Returns `extensions.cost` of an operation.
 * - `requested`: the objects that the operation requests, and `limit`: the most that it may
 * - `rate`: the account's requests in a minute (`limit`), those left to its organization, and the seconds until it has all again; `null` if none are counted
 */
export function shownCost({ schema, document, operationName, variableValues }: CostedOperation, rate: Rate | undefined): object {
  return { requested: costOf(schema, document, operationName, variableValues), limit: MAX_COST, rate: rate ?? null };
}

/** Adds `extensions.cost` to the result of an operation whose request asks for it. */
export function withCost(
  result: ExecutionResult,
  operation: CostedOperation,
  { request, rate }: Pick<Admitted, 'rate'> & { readonly request?: Request },
): ExecutionResult {
  if (!asksForCost(request?.headers.get(COST_HEADER))) return result;
  return { ...result, extensions: { ...result.extensions, cost: shownCost(operation, rate) } };
}
