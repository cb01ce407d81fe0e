import { type DocumentNode, type ExecutionResult, execute, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Logger } from 'pino';
import type { OperationContext } from '../http/compiled-documents.ts';
import { answerPages } from '../http/page-answers.ts';
import { planDocument } from '../http/page-planning.ts';
import type { Operation } from './operation.ts';

/** Runs one document. `context` is what the graph's resolvers get. */
export type Execute = (context: OperationContext, variables: Record<string, unknown>) => Promise<ExecutionResult>;

/**
 * Parses an operation's document and validates it against the schema. To be done at boot: a document and a schema that don't fit are a
 * fault of the gateway, not of a request. It is compiled once, at its first run: compiling all of them would delay every start by a tenth.
 *
 * graphql-jit 0.8.9 has one gap: a type resolver that throws, or an iterator that does, behind an asynchronous field leaves the run
 * pending and the rejection unhandled. The schema's resolve types by class and answer arrays, so neither can.
 *
 * @throws with every validation error
 */
export function prepare(schema: GraphQLSchema, operation: Operation, log: Pick<Logger, 'warn'>): Execute {
  const document = parseValid(schema, operation);
  const plan = planDocument(schema, document);
  let run: CompiledQuery['query'] | undefined;
  return async (context, variables) => {
    const answer = plan && (await answerPages(plan, context, variables, log));
    if (answer) return 'text' in answer ? (JSON.parse(answer.text) as ExecutionResult) : answer;
    run ??= compile(schema, document, operation);
    try {
      return await run({}, context, variables);
    } finally {
      context.end();
    }
  };
}

function compile(schema: GraphQLSchema, document: DocumentNode, { operation }: Operation): CompiledQuery['query'] {
  const compiled = compileQuery(schema, document);
  if (!isCompiledQuery(compiled)) throw new AggregateError(compiled.errors ?? [], `${operation}: the document does not compile`);
  return compiled.query;
}

/** The same by graphql's own `execute`: what the compiled form is held against. */
export function prepareReference(schema: GraphQLSchema, operation: Operation): Execute {
  const document = parseValid(schema, operation);
  return async (contextValue, variableValues) => execute({ schema, document, rootValue: {}, contextValue, variableValues });
}

function parseValid(schema: GraphQLSchema, { operation, document }: Operation): DocumentNode {
  const parsed = parse(document);
  const errors = validate(schema, parsed);
  if (errors.length > 0) {
    throw new GraphQLError(`${operation}: the document does not fit the schema:\n${errors.map((error) => error.message).join('\n')}`);
  }
  return parsed;
}
