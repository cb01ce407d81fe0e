import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import type { Logger } from 'pino';
import { type OperationContext, prepareRun, type Run } from '../execution/run.ts';
import type { Operation } from './operation.ts';

/** Runs an operation's document. `context` is the resolvers'. */
export type Execute = (context: OperationContext, variables: Record<string, unknown>) => Promise<ContractResult>;

interface ContractResult extends Pick<ExecutionResult, 'data' | 'errors'> {
  /** Whether the database returned it as packed rows, without resolvers. */
  readonly planned: boolean;
}

/**
 * Prepares an operation's document. It is parsed, validated and compiled at its first run, so that no start waits for all of them; a test validates
 * every document of the table.
 * @throws GraphQLError at the first run, with every validation error
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

/**
 * Parses and validates an operation's document.
 * @throws GraphQLError with every validation error
 */
export function parseValid(schema: GraphQLSchema, { operation, document }: Operation): DocumentNode {
  const parsed = parse(document);
  const errors = validate(schema, parsed);
  if (errors.length > 0) {
    throw new GraphQLError(
      `${operation}: the document is not valid against the schema:\n${errors.map((error) => error.message).join('\n')}`,
    );
  }
  return parsed;
}
