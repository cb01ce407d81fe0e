import { createHash } from 'node:crypto';
import {
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
  /** The context for subscribing. */
  readonly context: object;
  /** A context with loaders of its own, for each update. */
  readonly freshContext: () => object;
  readonly maskError: (error: unknown) => GraphQLError;
}

/** Of each update, what the operations that want it made of it. It goes with the update. */
const rendered = new WeakMap<object, Map<string, Promise<Rendered>>>();

/**
 * Runs a subscription. An update that several readers share is executed and serialized once for each distinct operation, variables and
 * rights, not once a reader.
 * @returns the answers, or the errors for which it did not begin
 */
export async function subscribeRendered(
  subscription: Subscription,
): Promise<AsyncIterableIterator<Rendered> | { errors: readonly GraphQLError[] }> {
  const { schema, document, operationName, variables, context, maskError } = subscription;
  const source = await createSourceEventStream({ schema, document, operationName, variableValues: variables, contextValue: context }).catch(
    (error): ExecutionResult => ({ errors: [error] }),
  );
  if (!(Symbol.asyncIterator in source)) return { errors: (source.errors ?? []).map(maskError) };
  const key = keyOf(subscription);
  const updates = source[Symbol.asyncIterator]() as AsyncIterator<object>;
  const answers: AsyncIterableIterator<Rendered> = {
    next: async () => {
      const { done, value } = await updates.next();
      return done ? { done, value: undefined } : { done: false, value: await render(subscription, key, value) };
    },
    return: async () => {
      await updates.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return answers;
    },
  };
  return answers;
}

function render(subscription: Subscription, key: string, update: object): Promise<Rendered> {
  let byKey = rendered.get(update);
  if (!byKey) {
    byKey = new Map();
    rendered.set(update, byKey);
  }
  let result = byKey.get(key);
  if (!result) {
    result = executeOnce(subscription, update);
    byKey.set(key, result);
  }
  return result;
}

async function executeOnce(
  { schema, document, operationName, variables, freshContext, maskError }: Subscription,
  update: object,
): Promise<Rendered> {
  const contextValue = freshContext();
  const { data, errors } = await execute({ schema, document, operationName, variableValues: variables, rootValue: update, contextValue });
  const json = JSON.stringify({ data, ...(errors ? { errors: errors.map(maskError) } : {}) });
  return { json, cursor: 'cursor' in update ? String(update.cursor) : undefined };
}

/** Equal for readers whose answers are equal. Where a reader begins, its `after`, makes no difference to what an update looks like. */
function keyOf({ document, operationName, variables, caller }: Subscription): string {
  const uses = new Map<string, number>();
  let after: string | undefined;
  visit(document, {
    Variable: ({ name }) => void uses.set(name.value, (uses.get(name.value) ?? 0) + 1),
    Argument: ({ name, value }) => {
      if (name.value === 'after' && value.kind === Kind.VARIABLE) after = value.name.value;
    },
  });
  // Once where it is declared and once where it is used.
  const dropped = after !== undefined && uses.get(after) === 2 ? after : undefined;
  const kept = Object.entries(variables ?? {}).filter(([name]) => name !== dropped);
  const rights = [caller.organizationSid, caller.enterpriseSid, ...[...caller.permissions].sort()];
  return createHash('sha256')
    .update(JSON.stringify([rights, operationName, kept, document.loc?.source.body]))
    .digest('base64');
}
