import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Caller } from '../domain/caller.ts';

/** What resolvers are given, as far as it matters here. */
export interface OperationContext {
  readonly caller: Caller;
  /** Nothing is run with it any more. */
  end(): void;
}

/** A document as graphql-jit runs it. @throws AggregateError where it can't be compiled */
export function compiledQuery(schema: GraphQLSchema, document: DocumentNode, operationName: string | undefined): CompiledQuery['query'] {
  const compiled = compileQuery(schema, document, operationName) as CompiledQuery;
  if (!isCompiledQuery(compiled)) throw new AggregateError((compiled as ExecutionResult).errors ?? [], 'the document does not compile');
  return compiled.query;
}
