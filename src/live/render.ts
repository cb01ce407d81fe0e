import { createHash } from 'node:crypto';
import {
  type ASTNode,
  createSourceEventStream,
  type DocumentNode,
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLSchema,
  Kind,
  visit,
} from 'graphql';
import type { Caller } from '../domain/caller.ts';
import type { Updates } from './updates.ts';

/** One answer of a stream, as JSON text of an ExecutionResult, and the cursor that it brings its reader to. */
export interface Rendered {
  readonly json: string;
  readonly cursor?: string;
}

/** A subscription that is parsed and valid. */
export interface Subscription {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly caller: Caller;
  /** A new context for subscribing. A stream may last for days, and keeps none. */
  readonly subscribingContext: () => object;
  /** A new context, with loaders of its own, for updates. */
  readonly freshContext: () => object;
  readonly maskError: (error: unknown) => GraphQLError;
}

/** Of each update, what the operations that want it made of it. It goes with the update. */
const rendered = new WeakMap<object, Map<string, Promise<Rendered>>>();

/** How many updates that are there already are executed together, so that their relations are loaded together. */
const TOGETHER = 100;

/**
 * Runs a subscription. An update that several readers share is executed and serialized once for each distinct operation, variables and
 * rights, not once a reader. The answers end with the error of an update that could not be executed at all: its reader asks for it again.
 * @returns the answers, or the errors for which it did not begin
 */
export async function subscribeRendered(
  subscription: Subscription,
): Promise<AsyncIterableIterator<Rendered> | { errors: readonly GraphQLError[] }> {
  const { schema, document, operationName, variables, subscribingContext, maskError } = subscription;
  const contextValue = subscribingContext();
  const source = await createSourceEventStream({ schema, document, operationName, variableValues: variables, contextValue }).catch(
    (error): ExecutionResult => ({ errors: [error] }),
  );
  if (!(Symbol.asyncIterator in source)) return { errors: (source.errors ?? []).map(maskError) };
  const key = keyOf(subscription);
  const updates = source as Updates<object>;
  const answers: AsyncIterableIterator<Rendered> = {
    next: async () => {
      const { done, value } = await updates.next();
      return done ? { done, value: undefined } : { done: false, value: await render(subscription, key, value, updates) };
    },
    return: async () => {
      await updates.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => answers,
  };
  return answers;
}

function render(subscription: Subscription, key: string, update: object, updates: Updates<object>): Promise<Rendered> {
  const known = rendered.get(update)?.get(key);
  if (known) return known;
  const context = subscription.freshContext();
  for (const next of updates.upcoming(TOGETHER)) void renderOnce(subscription, key, next, context);
  return renderOnce(subscription, key, update, context);
}

function renderOnce(subscription: Subscription, key: string, update: object, context: object): Promise<Rendered> {
  const byKey = rendered.get(update) ?? new Map<string, Promise<Rendered>>();
  rendered.set(update, byKey);
  const known = byKey.get(key);
  if (known) return known;
  const result = executeOnce(subscription, update, context);
  byKey.set(key, result);
  // Whoever waits for it learns of the failure; the next one tries again.
  result.catch(() => byKey.delete(key));
  return result;
}

async function executeOnce(
  { schema, document, operationName, variables, maskError }: Subscription,
  update: object,
  contextValue: object,
): Promise<Rendered> {
  const { data, errors } = await execute({ schema, document, operationName, variableValues: variables, rootValue: update, contextValue });
  if (!data) throw maskError(errors?.[0] ?? new Error('An update was executed without an answer'));
  const json = JSON.stringify({ data, ...(errors ? { errors: errors.map(maskError) } : {}) });
  return { json, cursor: 'cursor' in update ? String(update.cursor) : undefined };
}

/** Equal for readers whose answers are equal. What a subscription's own arguments say, where it begins and what it lets through, is no part of an answer. */
function keyOf({ document, operationName, variables, caller }: Subscription): string {
  const used = variablesInAnswers(document);
  const kept = Object.entries(variables ?? {}).filter(([name]) => used.has(name));
  const rights = [caller.organizationSid, caller.accountSid, caller.adminSid, caller.enterpriseSid, ...[...caller.permissions].sort()];
  return createHash('sha256')
    .update(JSON.stringify([rights, operationName, kept, document.loc?.source.body]))
    .digest('base64');
}

/** The variables that a document uses anywhere but in the arguments of its operations' own fields. */
function variablesInAnswers(document: DocumentNode): Set<string> {
  const used = new Set<string>();
  const within = (node: ASTNode | undefined) => {
    if (node) visit(node, { Variable: ({ name }) => void used.add(name.value) });
  };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) {
      within(definition);
      continue;
    }
    for (const selection of definition.selectionSet.selections) {
      if (selection.kind !== Kind.FIELD) within(selection);
      else for (const node of [selection.selectionSet, ...(selection.directives ?? [])]) within(node);
    }
  }
  return used;
}
