import { type DocumentNode, type ExecutionResult, execute, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import type { CompiledQuery } from 'graphql-jit';
import type { Logger } from 'pino';
import { compiledQuery, type OperationContext } from '../execution/jit.ts';
import { answerPages } from '../execution/page-answers.ts';
import { planDocument } from '../execution/page-planning.ts';
import type { DocumentPlan } from '../execution/page-plans.ts';
import type { Operation } from './operation.ts';

/** Runs one document. `context` is what the graph's resolvers get. */
export type Execute = (context: OperationContext, variables: Record<string, unknown>) => Promise<ExecutionResult>;

/**
 * Runs an operation's document. It is parsed, validated and planned at its first run, and compiled at the first that its plan does not answer: doing it
 * for all of them would delay every start. That each fits the schema is tested.
 *
 * graphql-jit 0.8.9 has one gap: a type resolver that throws, or an iterator that does, behind an asynchronous field leaves the run
 * pending and the rejection unhandled. The schema's resolve types by class and answer arrays, so neither can.
 *
 * @throws when run, with every validation error
 */
export function prepare(schema: GraphQLSchema, operation: Operation, log: Pick<Logger, 'warn'>): Execute {
  let prepared: { readonly document: DocumentNode; readonly plan: DocumentPlan | undefined } | undefined;
  let run: CompiledQuery['query'] | undefined;
  return async (context, variables) => {
    prepared ??= planned(schema, operation);
    const { document, plan } = prepared;
    const answer = plan && (await answerPages(plan, context, variables, log));
    if (answer) return 'text' in answer ? (JSON.parse(answer.text) as ExecutionResult) : answer;
    run ??= compiledQuery(schema, document, undefined);
    try {
      return await run({}, context, variables);
    } finally {
      context.end();
    }
  };
}

function planned(schema: GraphQLSchema, operation: Operation) {
  const document = parseValid(schema, operation);
  return { document, plan: planDocument(schema, document) };
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
