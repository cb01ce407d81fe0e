import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import type { Logger } from 'pino';
import { type OperationContext, prepareRun, type Run } from '../execution/run.ts';
import type { Operation } from './operation.ts';

/** Runs one document. `context` is what the graph's resolvers get. */
export type Execute = (context: OperationContext, variables: Record<string, unknown>) => Promise<ContractResult>;

export interface ContractResult extends Pick<ExecutionResult, 'data' | 'errors'> {
  /** Was it answered from packed rows? */
  readonly planned: boolean;
}

/**
 * Runs an operation's document. It is parsed, validated and made ready at its first run: doing so for all of them would delay every start. A test
 * holds each document of the table against the schema.
 * @throws GraphQLError when run, with every validation error
 */
export function prepare(schema: GraphQLSchema, operation: Operation, log: Pick<Logger, 'warn'>): Execute {
  let run: Run | undefined;
  return async (context, variables) => {
    run ??= prepareRun(schema, parseValid(schema, operation), undefined, log);
    const result = await run(context, variables);
    if (result.text !== undefined) return { ...(JSON.parse(result.text) as ExecutionResult), planned: true };
    return { data: result.data, errors: result.errors, planned: false };
  };
}

/** @throws GraphQLError with every validation error */
export function parseValid(schema: GraphQLSchema, { operation, document }: Operation): DocumentNode {
  const parsed = parse(document);
  const errors = validate(schema, parsed);
  if (errors.length > 0) {
    throw new GraphQLError(`${operation}: the document does not fit the schema:\n${errors.map((error) => error.message).join('\n')}`);
  }
  return parsed;
}
