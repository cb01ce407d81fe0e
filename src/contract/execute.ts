import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import type { Logger } from 'pino';
import { asValues, type ValuesResult } from '../execution/answers.ts';
import { prepareRun, type Run } from '../execution/run.ts';
import type { Operation } from './operations/operation.ts';

/**
 * Prepares an operation's document. It is parsed, validated and compiled at its first run, so that no start waits for all of them; a test validates
 * every document of the table.
 * @throws GraphQLError at the first run, with every validation error
 */
export function prepare(schema: GraphQLSchema, operation: Operation, log: Pick<Logger, 'warn'>): Run<ValuesResult> {
  let run: Run<ValuesResult> | undefined;
  return async (context, variables) => {
    run ??= prepareRun(schema, parseValid(schema, operation), undefined, asValues, log);
    return run(context, variables);
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
