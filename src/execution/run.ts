import { type DocumentNode, type ExecutionResult, execute, type GraphQLSchema, visit } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Logger } from 'pino';
import type { Caller } from '../domain/caller.ts';
import { answerPages, type RunResult } from './answers.ts';
import { planDocument } from './planning.ts';

/** What resolvers are given, as far as it matters here. */
export interface OperationContext {
  readonly caller: Caller;
  /** Ends its use: nothing is run with it any more. */
  end(): void;
}

/** An operation's variables, as they came. */
export type Variables = Readonly<Record<string, unknown>>;

export type Run = (context: OperationContext, variables: Variables) => Promise<RunResult>;

/**
 * Makes a valid document ready to run. It is planned where planned pages answer all of it (docs/adr/0013), and compiled otherwise. Compiling takes
 * some milliseconds, so a planned document is compiled only when its plan first cannot answer.
 * @throws AggregateError where a document without a plan cannot be compiled
 */
export function prepareRun(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
  log: Pick<Logger, 'warn'>,
): Run {
  const plan = planDocument(schema, document, operationName);
  let compiled = plan ? undefined : compile(schema, document, operationName);
  return async (context, variables) => {
    const answer = plan && (await answerPages(plan, context, variables, log));
    if (answer) return answer;
    compiled ??= compile(schema, document, operationName);
    try {
      return await compiled({}, context, variables);
    } finally {
      context.end();
    }
  };
}

type Execution = (rootValue: object, context: object, variables: Variables) => Promise<ExecutionResult> | ExecutionResult;

/**
 * graphql-jit 0.8.9 has one gap: a type resolver that throws, or an iterator that does, behind an asynchronous field leaves the run
 * pending and the rejection unhandled. The schema's resolve types by class and answer arrays, so neither can.
 */
function compile(schema: GraphQLSchema, document: DocumentNode, operationName: string | undefined): Execution {
  if (!isForJit(document)) {
    return (rootValue, contextValue, variableValues) =>
      execute({ schema, document, operationName, rootValue, contextValue, variableValues });
  }
  const compiled = compileQuery(schema, document, operationName) as CompiledQuery;
  if (!isCompiledQuery(compiled)) throw new AggregateError((compiled as ExecutionResult).errors ?? [], 'the document does not compile');
  return compiled.query;
}

/** graphql-jit 0.8.9 forgets the condition of a field that is selected twice, and loses a key `__proto__`. */
function isForJit(document: DocumentNode): boolean {
  let isSafe = true;
  visit(document, {
    Directive: () => {
      isSafe = false;
    },
    Field: ({ alias, name }) => {
      if ((alias ?? name).value === '__proto__') isSafe = false;
    },
  });
  return isSafe;
}
