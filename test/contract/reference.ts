import { type ExecutionResult, execute, type GraphQLSchema } from 'graphql';
import { parseValid } from '../../src/contract/execute.ts';
import type { Operation } from '../../src/contract/operations/operation.ts';
import type { OperationContext } from '../../src/execution/run.ts';

/** Runs an operation's document by graphql's own `execute`: what the prepared form is held against. */
export function prepareReference(schema: GraphQLSchema, operation: Operation) {
  const document = parseValid(schema, operation);
  return async (contextValue: OperationContext, variableValues: Record<string, unknown>): Promise<ExecutionResult> =>
    execute({ schema, document, rootValue: {}, contextValue, variableValues });
}
