import { setTimeout as delay } from 'node:timers/promises';
import { createSourceEventStream, type ExecutionResult, execute, type GraphQLError, type GraphQLSchema } from 'graphql';
import { isUnavailable } from '../database/unavailable.ts';
import { type ResultInputs, resultKeyOf } from './result-key.ts';
import type { FanOut, Reader, Rendered, Renderer, Updates } from './updates.ts';

/** A parsed and valid subscription operation, and its caller. */
export interface Subscription extends ResultInputs {
  readonly schema: GraphQLSchema;
  /** `extensions.cost` of the first result, if the client asks for it. */
  readonly cost?: object;
  /** Creates the context for the subscribe resolver. A stream may last for days, so it keeps no context. */
  subscribingContext(): object;
  /** Creates a context, with its own loaders, to execute updates with. */
  freshContext(): object;
  maskError(error: unknown): GraphQLError;
}

/** The results of each update, by the subscription's key. They live as long as the update. */
const resultsByUpdate = new WeakMap<object, Map<string, Promise<Rendered>>>();

/** How many ready updates are executed with one context, so that their relations are loaded together. */
const MAX_BATCH = 100;

/** While the database is unavailable, an update is executed again after each pause, in ms; after `limitMs`, its reader gets the errors. */
const OUTAGE = { pauseMs: 500, limitMs: 60_000 };

/** Receives results from a fan-out, instead of reading them by `next`. */
export interface ResultSink {
  /**
   * Takes results to send.
   * @returns false if it cannot, because it has not sent the previous ones yet
   */
  take(results: readonly Rendered[]): boolean;
  /** Gets no more results from the fan-out: read them by `next` again. */
  resume(): void;
}

/**
 * A subscription's results. They end by throwing if the stream fails, or if an update fails without data. A reader reads them by `next`, until it
 * has consumed all that are ready and calls `share`: then a fan-out passes every further result to its sink, and no promise waits for it.
 */
export class RenderedStream implements AsyncIterableIterator<Rendered>, Reader {
  readonly #subscription: Subscription;
  #onEnd: ((subscription: Subscription) => void) | undefined;
  #updates: Updates<object> | undefined;
  #key: string | undefined;
  #fanOut: FanOut | undefined;
  #sink: ResultSink | undefined;
  /** Until the first result. */
  #cost: object | undefined;

  /** @param onEnd called once, however the results end */
  constructor(subscription: Subscription, updates: Updates<object>, onEnd: (subscription: Subscription) => void) {
    this.#subscription = subscription;
    this.#updates = updates;
    this.#onEnd = onEnd;
    this.#cost = subscription.cost;
  }

  async next(): Promise<IteratorResult<Rendered, undefined>> {
    try {
      const updates = this.#updates;
      const next = await updates?.next();
      if (updates && next && !next.done) {
        return { done: false, value: this.#withCost(await render(this.#subscription, this.#resultKey, next.value, updates)) };
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

  /**
   * Moves to a fan-out, which passes every further result to the sink.
   * @returns false if it cannot: more results are ready, or no other reader could share them
   */
  share(sink: ResultSink): boolean {
    const subscription = this.#subscription;
    const key = this.#resultKey;
    const renderer: Renderer = { key, render: (updates) => renderAll(subscription, key, updates) };
    this.#fanOut = this.#onEnd && this.#updates?.share(renderer, this);
    if (!this.#fanOut) return false;
    this.#sink = sink;
    this.#updates = undefined;
    this.#key = undefined;
    return true;
  }

  take(results: readonly Rendered[]): boolean {
    return this.#sink?.take(results) ?? true;
  }

  resume(updates: Updates<object>): void {
    this.#fanOut = undefined;
    this.#updates = updates;
    this.#sink?.resume();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** Adds the cost to the first result. Results are shared, so it makes another. */
  #withCost(result: Rendered): Rendered {
    const cost = this.#cost;
    if (!cost) return result;
    this.#cost = undefined;
    return { ...result, json: `${result.json.slice(0, -1)},"extensions":${JSON.stringify({ cost })}}` };
  }

  get #resultKey(): string {
    this.#key ??= resultKeyOf(this.#subscription);
    return this.#key;
  }

  #end(): void {
    this.#onEnd?.(this.#subscription);
    this.#onEnd = undefined;
  }
}

/**
 * Runs a subscription. An update that several readers share is executed and serialized once per distinct operation, variables and permissions,
 * not once per reader. The results end with the error of an update that failed without data; its reader can subscribe again from its last cursor.
 * @param onEnd called once when the results end, if they have begun
 * @returns the results, or the errors if the subscription could not begin
 */
export async function subscribeRendered(
  subscription: Subscription,
  onEnd: (subscription: Subscription) => void = () => {},
): Promise<RenderedStream | { errors: readonly GraphQLError[] }> {
  const { schema, document, operationName, variables } = subscription;
  const contextValue = subscription.subscribingContext();
  const source = await createSourceEventStream({ schema, document, operationName, variableValues: variables, contextValue }).catch(
    (error): ExecutionResult => ({ errors: [error] }),
  );
  if (!(Symbol.asyncIterator in source)) return { errors: (source.errors ?? []).map((error) => subscription.maskError(error)) };
  return new RenderedStream(subscription, source as Updates<object>, onEnd);
}

async function renderAll(subscription: Subscription, key: string, updates: readonly object[]): Promise<Rendered[]> {
  const results: Rendered[] = [];
  for (let begin = 0; begin < updates.length; begin += MAX_BATCH) {
    const context = subscription.freshContext();
    results.push(
      ...(await Promise.all(updates.slice(begin, begin + MAX_BATCH).map((update) => renderOnce(subscription, key, update, context)))),
    );
  }
  return results;
}

function render(subscription: Subscription, key: string, update: object, updates: Updates<object>): Promise<Rendered> {
  const known = resultsByUpdate.get(update)?.get(key);
  if (known) return known;
  const context = subscription.freshContext();
  for (const next of updates.upcoming(MAX_BATCH)) void renderOnce(subscription, key, next, context);
  return renderOnce(subscription, key, update, context);
}

function renderOnce(subscription: Subscription, key: string, update: object, context: object): Promise<Rendered> {
  const byKey = resultsByUpdate.get(update) ?? new Map<string, Promise<Rendered>>();
  resultsByUpdate.set(update, byKey);
  const known = byKey.get(key);
  if (known) return known;
  const result = executeOnce(subscription, update, context);
  byKey.set(key, result);
  // Readers that wait for it get the error; the next one tries again.
  result.catch(() => byKey.delete(key));
  return result;
}

async function executeOnce(subscription: Subscription, update: object, context: object): Promise<Rendered> {
  const { schema, document, operationName, variables } = subscription;
  const run = async (contextValue: object) =>
    execute({ schema, document, operationName, variableValues: variables, rootValue: update, contextValue });
  const startedAt = performance.now();
  let { data, errors } = await run(context);
  while (errors?.some(({ originalError }) => isUnavailable(originalError)) && performance.now() - startedAt < OUTAGE.limitMs) {
    await delay(OUTAGE.pauseMs, undefined, { ref: false });
    ({ data, errors } = await run(subscription.freshContext()));
  }
  if (!data) throw subscription.maskError(errors?.[0] ?? new Error('An update was executed without a result'));
  const json = JSON.stringify({ data, ...(errors ? { errors: errors.map((error) => subscription.maskError(error)) } : {}) });
  return { json, cursor: 'cursor' in update ? String(update.cursor) : undefined };
}
