import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';
import type { Admitted } from '../admission/admit.ts';
import { costOf, MAX_COST } from './documents/cost.ts';

/** With the value `include`, a request asks what its operation costs. */
export const COST_HEADER = 'x-graphql-cost';

interface CostedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null;
  readonly variableValues?: Readonly<Record<string, unknown>> | null;
}

/**
 * Adds `extensions.cost` to the result of an operation whose request asks for it. Over a WebSocket there is none: operations have no headers.
 * - `requested`: the objects that the operation requests, and `limit`: the most that it may
 * - `rate`: the account's requests in a minute (`limit`), those left to its organization, and the seconds until it has all again; `null` if none are counted
 */
export function withCost(
  result: ExecutionResult,
  { schema, document, operationName, variableValues }: CostedOperation,
  { request, rate }: Pick<Admitted, 'rate'> & { readonly request?: Request },
): ExecutionResult {
  if (request?.headers.get(COST_HEADER)?.trim().toLowerCase() !== 'include') return result;
  const requested = costOf(schema, document, operationName, variableValues);
  return { ...result, extensions: { ...result.extensions, cost: { requested, limit: MAX_COST, rate: rate ?? null } } };
}
