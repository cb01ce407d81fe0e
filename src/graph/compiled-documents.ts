import { type ExecutionArgs, execute, type GraphQLSchema, getOperationAST } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { createQuota } from '../admission/quota.ts';
import { asText, type JsonText } from '../execution/answers.ts';
import { factsOf } from '../execution/operations.ts';
import { prepareRun, type Run, type Variables } from '../execution/run.ts';
import type { DocumentChecks } from './documents/checks.ts';
import { valueErrors } from './documents/variable-count.ts';

/** A valid query or mutation, ready to run. */
interface CompiledDocument {
  /** The operation's name in the document. */
  readonly name: string | undefined;
  /** Its name in metrics (OperationReport). */
  readonly label: string;
  readonly kind: 'query' | 'mutation';
  /** Whether the operation is within the limits with these variables. */
  readonly passes: (variables: Variables) => boolean;
  readonly run: Run<JsonText>;
}

export interface CompiledDocuments {
  /** @returns `undefined` the first time a text is received, and always for invalid texts and subscriptions */
  readonly get: (accountSid: string, text: string, operationName: string | undefined) => CompiledDocument | undefined;
}

/** How many texts are cached, in total and for one account: an account that keeps sending new texts evicts only its own. */
const MAX_DOCUMENTS = 1000;
const MAX_DOCUMENTS_PER_ACCOUNT = 100;
/** In characters. Longer texts are not cached, and go through Yoga. */
const MAX_TEXT_LENGTH = 20_000;
/** How many combinations of numbers among its variables are remembered for one document. */
const MAX_SIZES = 50;

interface CachedDocument {
  readonly accountSid: string;
  /** Absent until the text is received a second time. `null`: it cannot be compiled. */
  compiled?: CompiledDocument | null;
}

/**
 * Caches documents, parsed, validated and compiled. A text is compiled when it is received a second time: compiling takes some milliseconds, too many
 * for a text that is sent once. graphql's own `execute` runs mutations.
 */
export function createCompiledDocuments(
  schema: GraphQLSchema,
  checks: DocumentChecks,
  trustedNames: ReadonlySet<string>,
  log: Pick<Logger, 'warn'>,
): CompiledDocuments {
  const quota = createQuota(MAX_DOCUMENTS_PER_ACCOUNT);
  const entries = new LRUCache<string, CachedDocument>({ max: MAX_DOCUMENTS, dispose: ({ accountSid }) => quota.release(accountSid) });

  function add(key: string, accountSid: string): void {
    if (!quota.take(accountSid)) {
      evictOldestOf(accountSid);
      quota.take(accountSid);
    }
    entries.set(key, { accountSid });
  }

  function evictOldestOf(accountSid: string): void {
    for (const key of entries.rkeys()) {
      if (entries.peek(key)?.accountSid !== accountSid) continue;
      entries.delete(key);
      return;
    }
  }

  return {
    get: (accountSid, text, operationName) => {
      if (text.length > MAX_TEXT_LENGTH) return undefined;
      const key = keyOf(text, operationName);
      const entry = entries.get(key);
      if (!entry) {
        add(key, accountSid);
        return undefined;
      }
      if (entry.compiled === undefined) entry.compiled = compile(schema, checks, trustedNames, log, text, operationName);
      return entry.compiled ?? undefined;
    },
  };
}

/** A name as JSON has no line end, so no name and text have the key of others. */
const keyOf = (text: string, operationName: string | undefined) =>
  `${operationName === undefined ? '' : JSON.stringify(operationName)}\n${text}`;

/** @returns null for texts that go through Yoga: invalid ones and subscriptions */
function compile(
  schema: GraphQLSchema,
  checks: DocumentChecks,
  trustedNames: ReadonlySet<string>,
  log: Pick<Logger, 'warn'>,
  text: string,
  operationName: string | undefined,
): CompiledDocument | null {
  try {
    const document = checks.parse(text);
    if (checks.validate(document).length > 0) return null;
    const operation = getOperationAST(document, operationName);
    if (!operation || operation.operation === 'subscription') return null;
    const isWithinCost = rememberSizes((variables) => checks.check(document, operationName, variables).length === 0);
    const passes = (variables: Variables) => valueErrors(variables).length === 0 && isWithinCost(variables);
    const { name, label } = factsOf(document, operationName, trustedNames);
    if (operation.operation === 'query') {
      return { name, label, kind: 'query', passes, run: prepareRun(schema, document, operationName, asText, log) };
    }
    const run = async (contextValue: object, variableValues: object) =>
      execute({ schema, document, operationName, contextValue, variableValues } as ExecutionArgs);
    return { name, label, kind: 'mutation', passes, run };
  } catch {
    // Yoga reports the errors.
    return null;
  }
}

/**
 * Remembers which variables pass a document's cost check. The cost depends only on the page sizes and the lengths of lists among them, so without
 * lists the numbers identify the outcome.
 */
function rememberSizes(check: (variables: Variables) => boolean): (variables: Variables) => boolean {
  const passed = new LRUCache<string, true>({ max: MAX_SIZES });
  return (variables) => {
    const entries = Object.entries(variables);
    if (entries.some(([, value]) => Array.isArray(value))) return check(variables);
    const sizes = JSON.stringify(entries.filter(([, value]) => typeof value === 'number'));
    if (passed.get(sizes)) return true;
    const passes = check(variables);
    if (passes) passed.set(sizes, true);
    return passes;
  };
}
