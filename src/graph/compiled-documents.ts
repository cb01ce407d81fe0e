import { type ExecutionArgs, execute, type GraphQLSchema, getOperationAST } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { RunResult } from '../execution/answers.ts';
import { type OperationContext, prepareRun, type Variables } from '../execution/run.ts';
import type { DocumentChecks } from './documents/checks.ts';
import { valueErrors } from './documents/variable-count.ts';

/** A valid query or mutation, ready to run. */
export interface CompiledDocument {
  /** Its name in the document. */
  readonly name: string | undefined;
  readonly kind: 'query' | 'mutation';
  /** Does it keep the limits with these variables? */
  readonly passes: (variables: Variables) => boolean;
  readonly run: (context: OperationContext, variables: Variables) => Promise<RunResult>;
}

export interface CompiledDocuments {
  /** The operation that a text means. `undefined` the first time the text comes, and always for invalid texts and subscriptions. */
  readonly get: (accountSid: string, text: string, operationName: string | undefined) => CompiledDocument | undefined;
}

/** How many are kept, and how many of one account's: an account that sends ever new texts displaces its own alone. */
const MAX_DOCUMENTS = 1000;
const MAX_DOCUMENTS_PER_ACCOUNT = 100;
/** Longer texts, in characters, take the general path. */
const MAX_TEXT_LENGTH = 20_000;
/** Combinations of page sizes that are remembered of one document. */
const MAX_SIZES = 50;

interface Entry {
  readonly accountSid: string;
  /** Absent after the first time. `null`: not to be compiled. */
  compiled?: CompiledDocument | null;
}

/**
 * Keeps documents parsed, validated, and queries ready to run. That is done the second time a text comes: it takes some milliseconds, which a text
 * that never comes again is not worth. Mutations are run by graphql's own `execute`: they cannot be run again to report an error as it does.
 */
export function createCompiledDocuments(schema: GraphQLSchema, checks: DocumentChecks, log: Pick<Logger, 'warn'>): CompiledDocuments {
  const counts = new Map<string, number>();
  const entries = new LRUCache<string, Entry>({
    max: MAX_DOCUMENTS,
    dispose: ({ accountSid }) => {
      const left = (counts.get(accountSid) ?? 1) - 1;
      if (left > 0) counts.set(accountSid, left);
      else counts.delete(accountSid);
    },
  });

  function add(key: string, accountSid: string): void {
    const count = counts.get(accountSid) ?? 0;
    if (count >= MAX_DOCUMENTS_PER_ACCOUNT) dropOldestOf(accountSid);
    entries.set(key, { accountSid });
    counts.set(accountSid, (counts.get(accountSid) ?? 0) + 1);
  }

  function dropOldestOf(accountSid: string): void {
    for (const key of entries.rkeys()) {
      if (entries.peek(key)?.accountSid !== accountSid) continue;
      entries.delete(key);
      return;
    }
  }

  return {
    get: (accountSid, text, operationName) => {
      if (text.length > MAX_TEXT_LENGTH) return undefined;
      const key = operationName === undefined ? text : `${operationName}\n${text}`;
      const entry = entries.get(key);
      if (!entry) {
        add(key, accountSid);
        return undefined;
      }
      if (entry.compiled === undefined) entry.compiled = compile(schema, checks, log, text, operationName);
      return entry.compiled ?? undefined;
    },
  };
}

/** @returns null for a text that the general path must answer: invalid, or a subscription */
function compile(
  schema: GraphQLSchema,
  checks: DocumentChecks,
  log: Pick<Logger, 'warn'>,
  text: string,
  operationName: string | undefined,
): CompiledDocument | null {
  try {
    const document = checks.parse(text);
    if (checks.validate(document).length > 0) return null;
    const operation = getOperationAST(document, operationName);
    if (!operation || operation.operation === 'subscription') return null;
    const isCheap = rememberingSizes((variables) => checks.check(document, operationName, variables).length === 0);
    const passes = (variables: Variables) => valueErrors(variables).length === 0 && isCheap(variables);
    const name = operation.name?.value;
    if (operation.operation === 'query') {
      return { name, kind: 'query', passes, run: prepareRun(schema, document, operationName, log) };
    }
    const run = async (contextValue: object, variableValues: object) =>
      execute({ schema, document, operationName, contextValue, variableValues } as ExecutionArgs);
    return { name, kind: 'mutation', passes, run };
  } catch {
    // The general path reports whatever is wrong with it.
    return null;
  }
}

/** A document's cost depends on page sizes and lengths of lists among its variables alone: without lists, it is remembered by the numbers. */
function rememberingSizes(check: (variables: Variables) => boolean): (variables: Variables) => boolean {
  const passed = new Set<string>();
  return (variables) => {
    const entries = Object.entries(variables);
    if (entries.some(([, value]) => Array.isArray(value))) return check(variables);
    const sizes = JSON.stringify(entries.filter(([, value]) => typeof value === 'number'));
    if (passed.has(sizes)) return true;
    const passes = check(variables);
    if (passes && passed.size < MAX_SIZES) passed.add(sizes);
    return passes;
  };
}
