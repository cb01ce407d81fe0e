import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import type { ClientConnection } from '../../admission/client-interest.ts';
import type { CredentialWatch } from '../../admission/credential-watch.ts';
import type { Rate } from '../../admission/rate-limit.ts';
import type { Caller } from '../../domain/caller.ts';
import type { RenderedStream, Subscription } from '../../live/render.ts';

/** A parsed and valid operation, ready to run. */
export interface PreparedOperation extends Subscription {
  /**
   * Runs a query or mutation.
   * @param client the connection that its client waits on
   */
  execute(client?: ClientConnection): Promise<ExecutionResult>;
  subscribe(): Promise<RenderedStream | { errors: readonly GraphQLError[] }>;
}

/** An operation that is not run, and its cost, if the client asks for it and it is known. */
export interface RefusedOperation {
  readonly errors: readonly GraphQLError[];
  readonly cost?: object;
}

/** An operation as a client sends it: its text, or a reference to a trusted document. */
interface OperationParameters {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
}

interface PrepareOptions {
  /** The cursor after which a subscription resumes. */
  readonly resumeFrom?: string;
  /** Whether the client asks for the cost, and its rate. */
  readonly cost?: { readonly rate: Rate | undefined };
}

/** The graph, for the transports of streams. */
export interface StreamingGraph {
  /**
   * Counts an operation that came without a request of its own.
   * @returns the caller's rate, and the error if it is exceeded
   */
  readonly count: (caller: Caller) => Promise<{ readonly rate?: Rate; readonly error?: GraphQLError }>;
  /** Parses and validates an operation, as for a request over HTTP. */
  readonly prepare: (caller: Caller, parameters: OperationParameters, options?: PrepareOptions) => PreparedOperation | RefusedOperation;
  readonly credentials: CredentialWatch;
}

/** The dependencies of all prepared operations. */
export interface Operations {
  readonly schema: GraphQLSchema;
  readonly contextFor: (caller: Caller, interest?: undefined, resumeFrom?: string) => object;
  /** Makes the error that a client sees, without Yoga's `extensions.http`. */
  readonly mask: (error: unknown, requestId?: string) => GraphQLError;
  readonly execute: (prepared: Prepared, execute: GraphQLExecute, client: ClientConnection | undefined) => Promise<ExecutionResult>;
  readonly subscribe: (prepared: Prepared) => ReturnType<PreparedOperation['subscribe']>;
}

type GraphQLExecute = (args: ExecutionArgs) => unknown;

interface PreparedOptions extends Pick<PreparedOperation, 'document' | 'operationName' | 'variables' | 'caller'> {
  readonly resumeFrom: string | undefined;
  readonly execute: GraphQLExecute | undefined;
  readonly cost: object | undefined;
}

/** A class, so that each of thousands of open streams has no closures of its own. */
export class Prepared implements PreparedOperation {
  readonly #operations: Operations;
  readonly #resumeFrom: string | undefined;
  readonly #execute: GraphQLExecute | undefined;
  readonly document: DocumentNode;
  readonly operationName: Subscription['operationName'];
  readonly variables: Subscription['variables'];
  readonly caller: Caller;
  readonly cost: object | undefined;

  constructor(operations: Operations, { document, operationName, variables, caller, resumeFrom, execute, cost }: PreparedOptions) {
    this.#operations = operations;
    this.#resumeFrom = resumeFrom;
    this.#execute = execute;
    this.document = document;
    this.operationName = operationName;
    this.variables = variables;
    this.caller = caller;
    this.cost = cost;
  }

  get schema(): GraphQLSchema {
    return this.#operations.schema;
  }

  subscribingContext(): object {
    return this.#operations.contextFor(this.caller, undefined, this.#resumeFrom);
  }

  freshContext(): object {
    return this.#operations.contextFor(this.caller);
  }

  maskError(error: unknown): GraphQLError {
    return this.#operations.mask(error, this.caller.requestId);
  }

  async execute(client?: ClientConnection): Promise<ExecutionResult> {
    if (!this.#execute) throw new Error('A subscription cannot be executed');
    return this.#operations.execute(this, this.#execute, client);
  }

  subscribe(): ReturnType<PreparedOperation['subscribe']> {
    return this.#operations.subscribe(this);
  }
}
