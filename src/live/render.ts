import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
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
import { isUnavailable } from '../database/unavailable.ts';
import type { Caller } from '../domain/caller.ts';
import type { FanOut, Reader, Rendered, Updates } from './updates.ts';

/** A subscription that is parsed and valid. */
export interface Subscription {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly caller: Caller;
  /** A new context for subscribing. A stream may last for days, and keeps none. */
  subscribingContext(): object;
  /** A new context, with loaders of its own, for updates. */
  freshContext(): object;
  maskError(error: unknown): GraphQLError;
}

/** Of each update, what the operations that want it made of it. It goes with the update. */
const rendered = new WeakMap<object, Map<string, Promise<Rendered>>>();

/** How many updates that are there already are executed together, so that their relations are loaded together. */
const TOGETHER = 100;

/** While the database can't be used, an update is executed again after each pause, for so long in all, in ms. Then its reader is told. */
const OUTAGE = { pauseMs: 500, longestMs: 60_000 };

/** Who reads a stream, and may be given its answers instead. */
export interface AnswersReader {
  /** Takes answers at once. @returns false where it can't, since it has not sent off those before */
  take(answers: readonly Rendered[]): boolean;
  /** It's given no more: `next` has them again. */
  goOn(): void;
}

/**
 * A subscription's answers, until they end with the error of an update that could not be executed at all, or of the stream. A reader asks for each
 * by `next`, or, once it has all that are there, leaves it to a fan-out to give it every later one as it comes: nothing waits for it then.
 */
export class Answers implements AsyncIterableIterator<Rendered>, Reader {
  readonly #subscription: Subscription;
  #ended: ((subscription: Subscription) => void) | undefined;
  #updates: Updates<object> | undefined;
  #key: string | undefined;
  #fanOut: FanOut | undefined;
  #reader: AnswersReader | undefined;

  /** @param ended called once, however they end */
  constructor(subscription: Subscription, updates: Updates<object>, ended: (subscription: Subscription) => void) {
    this.#subscription = subscription;
    this.#updates = updates;
    this.#ended = ended;
  }

  async next(): Promise<IteratorResult<Rendered, undefined>> {
    try {
      const updates = this.#updates;
      const next = await updates?.next();
      if (updates && next && !next.done) {
        return { done: false, value: await render(this.#subscription, this.#sharedKey, next.value, updates) };
      }
      this.#end();
      return { done: true, value: undefined };
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Rendered, undefined>> {
    this.#end();
    this.#fanOut?.remove(this);
    await this.#updates?.return();
    return { done: true, value: undefined };
  }

  /** Leaves it to a fan-out from here on. @returns false where there is something yet that the reader has not got, or nobody else could want the same */
  share(reader: AnswersReader): boolean {
    const subscription = this.#subscription;
    const key = this.#sharedKey;
    const render = (updates: readonly object[]) => renderAll(subscription, key, updates);
    this.#fanOut = this.#ended && this.#updates?.share({ key, render }, this);
    if (!this.#fanOut) return false;
    this.#reader = reader;
    this.#updates = undefined;
    this.#key = undefined;
    return true;
  }

  take(answers: readonly Rendered[]): boolean {
    return this.#reader?.take(answers) ?? true;
  }

  goOn(updates: Updates<object>): void {
    this.#fanOut = undefined;
    this.#updates = updates;
    this.#reader?.goOn();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  get #sharedKey(): string {
    this.#key ??= keyOf(this.#subscription);
    return this.#key;
  }

  #end(): void {
    this.#ended?.(this.#subscription);
    this.#ended = undefined;
  }
}

/**
 * Runs a subscription. An update that several readers share is executed and serialized once for each distinct operation, variables and
 * rights, not once a reader. The answers end with the error of an update that could not be executed at all: its reader asks for it again.
 * @param ended called once when answers that have begun end
 * @returns the answers, or the errors for which it did not begin
 */
export async function subscribeRendered(
  subscription: Subscription,
  ended: (subscription: Subscription) => void = () => {},
): Promise<Answers | { errors: readonly GraphQLError[] }> {
  const { schema, document, operationName, variables } = subscription;
  const contextValue = subscription.subscribingContext();
  const source = await createSourceEventStream({ schema, document, operationName, variableValues: variables, contextValue }).catch(
    (error): ExecutionResult => ({ errors: [error] }),
  );
  if (!(Symbol.asyncIterator in source)) return { errors: (source.errors ?? []).map((error) => subscription.maskError(error)) };
  return new Answers(subscription, source as Updates<object>, ended);
}

async function renderAll(subscription: Subscription, key: string, updates: readonly object[]): Promise<Rendered[]> {
  const answers: Rendered[] = [];
  for (let begin = 0; begin < updates.length; begin += TOGETHER) {
    const context = subscription.freshContext();
    answers.push(
      ...(await Promise.all(updates.slice(begin, begin + TOGETHER).map((update) => renderOnce(subscription, key, update, context)))),
    );
  }
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

async function executeOnce(subscription: Subscription, update: object, context: object): Promise<Rendered> {
  const { schema, document, operationName, variables } = subscription;
  const run = async (contextValue: object) =>
    execute({ schema, document, operationName, variableValues: variables, rootValue: update, contextValue });
  const began = performance.now();
  let { data, errors } = await run(context);
  while (errors?.some(({ originalError }) => isUnavailable(originalError)) && performance.now() - began < OUTAGE.longestMs) {
    await delay(OUTAGE.pauseMs, undefined, { ref: false });
    ({ data, errors } = await run(subscription.freshContext()));
  }
  if (!data) throw subscription.maskError(errors?.[0] ?? new Error('An update was executed without an answer'));
  const json = JSON.stringify({ data, ...(errors ? { errors: errors.map((error) => subscription.maskError(error)) } : {}) });
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
