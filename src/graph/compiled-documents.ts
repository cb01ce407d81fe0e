import { type DocumentNode, type ExecutionArgs, execute, type GraphQLSchema, getOperationAST, visit } from 'graphql';
import type { Logger } from 'pino';
import { compiledQuery, type OperationContext } from '../execution/jit.ts';
import { answerPages, type PageAnswer } from '../execution/page-answers.ts';
import { planDocument } from '../execution/page-planning.ts';
import type { DocumentChecks } from './documents/checks.ts';
import { valueErrors } from './documents/variable-count.ts';

/** A query or a mutation that is valid, and ready to run. */
export interface CompiledDocument {
  /** Does it keep the limits with these variables? */
  readonly passes: (variables: Variables) => boolean;
  /** May it be run again, where an error is to be told as the general path tells it? */
  readonly isQuery: boolean;
  readonly run: (context: OperationContext, variables: Variables) => Promise<PageAnswer>;
}

type Variables = Readonly<Record<string, unknown>>;

export interface CompiledDocuments {
  /** The operation that a text means; `undefined` the first time that it is seen, and always for one that is invalid or a subscription. */
  readonly get: (accountSid: string, text: string, operationName: string | undefined) => CompiledDocument | undefined;
}

/** How many are kept, and how many of them one account has brought: whoever sends ever new ones takes the place of their own alone. */
const KEPT = 1000;
const KEPT_OF_ACCOUNT = 100;
/** Longer texts are left to the general path. */
const LONGEST_TEXT = 20_000;
/** How many combinations of page sizes are remembered of one document. */
const KEPT_SIZES = 50;

interface Entry {
  readonly key: string;
  readonly owner: string;
  /** Absent after the first time. `null`: not to be compiled. */
  compiled?: CompiledDocument | null;
}

/**
 * Documents that are parsed and validated once, and queries compiled. That is done the second time that one comes: it takes some milliseconds, which
 * a document that never comes again is not worth. Mutations are run by graphql's own `execute`: they can't be run again to tell an error as it does.
 */
export function createCompiledDocuments(schema: GraphQLSchema, checks: DocumentChecks, log: Pick<Logger, 'warn'>): CompiledDocuments {
  /** The one used last is at the end. */
  const entries = new Map<string, Entry>();
  const counts = new Map<string, number>();

  function drop({ key, owner }: Entry): void {
    entries.delete(key);
    const left = (counts.get(owner) ?? 1) - 1;
    if (left > 0) counts.set(owner, left);
    else counts.delete(owner);
  }

  function makeRoom(owner: string): void {
    if ((counts.get(owner) ?? 0) >= KEPT_OF_ACCOUNT) {
      for (const entry of entries.values()) {
        if (entry.owner !== owner) continue;
        drop(entry);
        return;
      }
    }
    const [oldest] = entries.values();
    if (entries.size >= KEPT && oldest) drop(oldest);
  }

  function compile(text: string, operationName: string | undefined): CompiledDocument | null {
    try {
      const document = checks.parse(text);
      if (checks.validate(document).length > 0) return null;
      const operation = getOperationAST(document, operationName);
      if (!operation || operation.operation === 'subscription') return null;
      const isCheap = remembering((variables) => checks.check(document, operationName, variables).length === 0);
      const passes = (variables: Variables) => valueErrors(variables).length === 0 && isCheap(variables);
      if (operation.operation === 'mutation') {
        const run = (contextValue: object, variableValues: object) =>
          execute({ schema, document, operationName, contextValue, variableValues } as ExecutionArgs);
        return { passes, isQuery: false, run: async (context, variables) => run(context, variables) };
      }
      const plan = planDocument(schema, document, operationName);
      if (!plan) return { passes, isQuery: true, run: runOf(schema, document, operationName) };
      // Most are never asked for anything that their plan does not answer.
      let general: CompiledDocument['run'] | undefined;
      const run: CompiledDocument['run'] = async (context, variables) => {
        const answer = await answerPages(plan, context, variables, log);
        if (answer) return answer;
        general ??= runOf(schema, document, operationName);
        return general(context, variables);
      };
      return { passes, isQuery: true, run };
    } catch {
      // Whatever is wrong with it, the general path says.
      return null;
    }
  }

  return {
    get: (accountSid, text, operationName) => {
      if (text.length > LONGEST_TEXT) return undefined;
      const key = operationName === undefined ? text : `${operationName}\n${text}`;
      const entry = entries.get(key);
      if (!entry) {
        makeRoom(accountSid);
        entries.set(key, { key, owner: accountSid });
        counts.set(accountSid, (counts.get(accountSid) ?? 0) + 1);
        return undefined;
      }
      entries.delete(key);
      entries.set(key, entry);
      if (entry.compiled === undefined) entry.compiled = compile(text, operationName);
      return entry.compiled ?? undefined;
    },
  };
}

/** @throws AggregateError where it can't be compiled */
function runOf(schema: GraphQLSchema, document: DocumentNode, operationName: string | undefined): CompiledDocument['run'] {
  const execution = isForJit(document)
    ? compiledQuery(schema, document, operationName)
    : (rootValue: object, contextValue: object, variableValues: Variables) =>
        execute({ schema, document, operationName, rootValue, contextValue, variableValues });
  return async (context, variables) => {
    try {
      return await execution({}, context, variables);
    } finally {
      context.end();
    }
  };
}

/** graphql-jit 0.8.9 forgets the condition of a field that is selected twice, and then answers what was to be left out; and it loses a key `__proto__`. */
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

/** A document's cost depends on its variables by page sizes and the lengths of lists alone: those without lists are remembered by their numbers. */
function remembering(check: (variables: Variables) => boolean): (variables: Variables) => boolean {
  const passed = new Set<string>();
  return (variables) => {
    const entries = Object.entries(variables);
    if (entries.some(([, value]) => Array.isArray(value))) return check(variables);
    const sizes = JSON.stringify(entries.filter(([, value]) => typeof value === 'number'));
    if (passed.has(sizes)) return true;
    const passes = check(variables);
    if (passes && passed.size < KEPT_SIZES) passed.add(sizes);
    return passes;
  };
}
