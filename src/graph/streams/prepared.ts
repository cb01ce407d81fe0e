import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import type { CredentialWatch } from '../../admission/credential-watch.ts';
import type { Caller } from '../../domain/caller.ts';
import type { RenderedStream, Subscription } from '../../live/render.ts';

/** An operation that is parsed and valid, with what it is run with. */
export interface PreparedOperation extends Subscription {
  execute(): Promise<ExecutionResult>;
  subscribe(): Promise<RenderedStream | { errors: readonly GraphQLError[] }>;
}

/** An operation as a client asks for it: by its text, or by the name of a trusted document. */
export interface OperationParameters {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
}

/** What a transport needs of the graph to run operations that come without a request of their own. */
export interface StreamingGraph {
  /** Counts one operation of a caller. @returns the error of one that is over the caller's rate */
  readonly count: (caller: Caller) => Promise<GraphQLError | undefined>;
  /** Parses and validates, as for a request over HTTP. */
  readonly prepare: (
    caller: Caller,
    parameters: OperationParameters,
    resumeFrom?: string,
  ) => PreparedOperation | { errors: readonly GraphQLError[] };
  readonly credentials: CredentialWatch;
}

/** What operations have in common. */
export interface Operations {
  readonly schema: GraphQLSchema;
  readonly contextFor: (caller: Caller, resumeFrom?: string) => object;
  /** An error as it is shown over a stream, without an HTTP status. */
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
    return this.#common.mask(error, this.caller.requestId);
  }

  async execute(): Promise<ExecutionResult> {
    if (!this.#execute) throw new Error('A subscription is subscribed to');
    return this.#common.execute(this, this.#execute);
  }

  subscribe(): ReturnType<PreparedOperation['subscribe']> {
    return this.#common.subscribe(this);
  }
}
