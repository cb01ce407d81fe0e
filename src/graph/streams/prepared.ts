import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import type { Caller } from '../../domain/caller.ts';
import type { Answers, Subscription } from '../../live/render.ts';
import { withoutStatus } from '../errors.ts';

/** An operation that is parsed and valid, with what it is run with. */
export interface PreparedOperation extends Subscription {
  execute(): Promise<ExecutionResult>;
  subscribe(): Promise<Answers | { errors: readonly GraphQLError[] }>;
}

/** What operations have in common. */
export interface Operations {
  readonly schema: GraphQLSchema;
  readonly contextFor: (caller: Caller, resumeFrom?: string) => object;
  readonly mask: (error: unknown, requestId?: string) => GraphQLError;
  readonly execute: (prepared: Prepared, execute: Execute) => Promise<ExecutionResult>;
  readonly subscribe: (prepared: Prepared) => ReturnType<PreparedOperation['subscribe']>;
}

type Execute = (args: ExecutionArgs) => unknown;

interface Particulars extends Pick<Subscription, 'document' | 'operationName' | 'variables' | 'caller'> {
  readonly resumeFrom: string | undefined;
  readonly execute: Execute | undefined;
}

/** A class, since there are as many as there are open streams. */
export class Prepared implements PreparedOperation {
  readonly #common: Operations;
  readonly #resumeFrom: string | undefined;
  readonly #execute: Execute | undefined;
  readonly document: DocumentNode;
  readonly operationName: Subscription['operationName'];
  readonly variables: Subscription['variables'];
  readonly caller: Caller;

  constructor(common: Operations, { document, operationName, variables, caller, resumeFrom, execute }: Particulars) {
    this.#common = common;
    this.#resumeFrom = resumeFrom;
    this.#execute = execute;
    this.document = document;
    this.operationName = operationName;
    this.variables = variables;
    this.caller = caller;
  }

  get schema(): GraphQLSchema {
    return this.#common.schema;
  }

  subscribingContext(): object {
    return this.#common.contextFor(this.caller, this.#resumeFrom);
  }

  freshContext(): object {
    return this.#common.contextFor(this.caller);
  }

  maskError(error: unknown): GraphQLError {
    return withoutStatus(this.#common.mask(error, this.caller.requestId));
  }

  async execute(): Promise<ExecutionResult> {
    if (!this.#execute) throw new Error('A subscription is subscribed to');
    return this.#common.execute(this, this.#execute);
  }

  subscribe(): ReturnType<PreparedOperation['subscribe']> {
    return this.#common.subscribe(this);
  }
}
