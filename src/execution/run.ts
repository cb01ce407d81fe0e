import { type DocumentNode, type ExecutionResult, execute, type GraphQLSchema, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Logger } from 'pino';
import type { Caller } from '../domain/caller.ts';
import { DomainError, type ErrorCode } from '../domain/errors.ts';
import { createAlike } from './alike.ts';
import { type Answers, answerPages, type ValuesResult } from './answers.ts';
import { exactErrors } from './exact-errors.ts';
import { planDocument } from './planning.ts';
import { isGuarded } from './pothos.ts';

/** The part of the resolvers' context that is used here. */
export interface OperationContext {
  readonly caller: Caller;
  /** The code of the first error that the operation has answered as data, once it was run. */
  readonly answeredError?: ErrorCode;
  /** Call it once nothing runs with the context anymore. */
  end(): void;
}

/** An operation's variables, not coerced yet. */
export type Variables = Readonly<Record<string, unknown>>;

export type Run<Result> = (context: OperationContext, variables: Variables) => Promise<Result | ValuesResult>;

/**
 * Prepares a valid document for running. It is planned if planned pages can answer all of it (docs/adr/0013), otherwise compiled. Compiling takes
 * some milliseconds, so a planned document is compiled only when its plan first fails to answer.
 * @param answers what planned pages answer with. A document with a page that cannot is not planned
 * @throws AggregateError if a document without a plan cannot be compiled
 */
export function prepareRun<Result>(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
  answers: Answers<Result>,
  log: Pick<Logger, 'warn'>,
): Run<Result> {
  const planned = planDocument(schema, document, operationName);
  const plan = planned?.pages.every(answers.canAnswer) ? planned : undefined;
  let compiled = plan ? undefined : compile(schema, document, operationName);
  const alike = createAlike<Result | ValuesResult | undefined>(isOwn);
  return async (context, variables) => {
    const answer = plan && (await alike(keyOf(context.caller, variables), () => answerPages(plan, context, variables, answers, log)));
    if (answer) return answer;
    compiled ??= compile(schema, document, operationName);
    try {
      return await compiled({}, context, variables);
    } finally {
      context.end();
    }
  };
}

/**
 * Whether a result is only for the request that it was read for: it has an error other than the domain's (the request's client may have gone), or is absent
 * because the general path must answer. What the domain refuses, it refuses for all equal requests.
 */
const isOwn = (answer: unknown): boolean =>
  !answer || ((answer as ValuesResult).errors ?? []).some(({ originalError }) => !(originalError instanceof DomainError));

/**
 * Requests with one key get the same page. Of a caller, lists depend on what is within its reach, on its permissions, and perhaps on the kind of its
 * credentials, but not on which account, admin or token of that kind it has.
 */
function keyOf({ organizationSid, enterpriseSid, adminSid, accessTokenSid, permissions }: Caller, variables: Variables): string {
  const kind = `${adminSid === undefined ? '' : 'admin'} ${accessTokenSid === undefined ? '' : 'token'}`;
  return `${organizationSid} ${enterpriseSid} ${kind} ${namesOf(permissions)} ${JSON.stringify(variables, exactly)}`;
}

/** The text of sets of permissions, which requests with the same credentials share. */
const names = new WeakMap<Caller['permissions'], string>();

function namesOf(permissions: Caller['permissions']): string {
  let text = names.get(permissions);
  if (text === undefined) {
    text = [...permissions].join();
    names.set(permissions, text);
  }
  return text;
}

/** JSON knows no undefined, and a variable that is undefined is not one that is absent. */
const exactly = (_key: string, value: unknown) => (value === undefined ? { undefined: 1 } : value);

type Execution = (rootValue: object, context: object, variables: Variables) => Promise<ExecutionResult> | ExecutionResult;

/**
 * graphql-jit 0.8.9 has one bug: if a type resolver or an iterator below an asynchronous field throws, the run stays pending and the
 * rejection unhandled. This schema's type resolvers check classes, and its lists are arrays, so neither can throw.
 */
function compile(schema: GraphQLSchema, document: DocumentNode, operationName: string | undefined): Execution {
  if (!isForJit(document) || selectsGuarded(schema, document)) {
    return (rootValue, contextValue, variableValues) =>
      execute({ schema, document, operationName, rootValue, contextValue, variableValues });
  }
  const compiled = compileQuery(schema, document, operationName) as CompiledQuery;
  if (!isCompiledQuery(compiled)) throw new AggregateError((compiled as ExecutionResult).errors ?? [], 'the document does not compile');
  return async (rootValue, context, variables) => {
    const result = await compiled.query(rootValue, context, variables);
    return result.errors ? { ...result, errors: exactErrors(document, result.errors) } : result;
  };
}

/**
 * Whether a document selects a field that is refused by itself, or whose reading is recorded. graphql's own `execute` runs it, for the errors' order.
 */
function selectsGuarded(schema: GraphQLSchema, document: DocumentNode): boolean {
  const types = new TypeInfo(schema);
  let isFound = false;
  visit(
    document,
    visitWithTypeInfo(types, {
      Field: () => {
        const field = types.getFieldDef();
        if (field && isGuarded(field)) isFound = true;
      },
    }),
  );
  return isFound;
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
