import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema, getOperationAST } from 'graphql';
import type { Logger } from 'pino';
import { type Admission, inTurn } from '../admission/admission.ts';
import { FAILED_LATE, RATE_EXCEEDED, timedOutAfter } from '../admission/admit.ts';
import type { ClientConnection } from '../admission/client-interest.ts';
import type { CredentialWatch } from '../admission/credential-watch.ts';
import { withDeadline } from '../admission/deadline.ts';
import { OverloadError } from '../admission/fairness.ts';
import type { CallerQuota } from '../admission/quota.ts';
import { factsOf, type ObserveOperation, observed } from '../execution/operations.ts';
import { publishRefusedDocument } from '../execution/refused-documents.ts';
import { type RenderedStream, type Subscription, subscribeRendered } from '../live/render.ts';
import type { ContextFor } from './context-for.ts';
import type { DocumentChecks } from './documents/checks.ts';
import type { TrustedDocuments } from './documents/trusted-documents.ts';
import { tooManyRequests, tooManySubscriptions, withoutHttp } from './errors.ts';
import { resolveDocument } from './resolve-document.ts';
import { shownCost } from './shown-cost.ts';
import { type Operations, Prepared, type PreparedOperation, type StreamingGraph } from './streams/prepared.ts';
import type { YogaServer } from './yoga.ts';

interface StreamingOptions {
  readonly schema: GraphQLSchema;
  readonly contextFor: ContextFor;
  readonly mask: (error: unknown, requestId?: string) => GraphQLError;
  readonly yoga: YogaServer;
  readonly checks: DocumentChecks;
  readonly trusted: TrustedDocuments;
  readonly credentials: CredentialWatch;
  readonly admission: Admission;
  /** Open streams of each account, over all transports. */
  readonly subscriptions: CallerQuota;
  readonly observe: ObserveOperation;
  readonly log: Logger;
}

/** The graph over server-sent events and WebSockets. Operations pass the same checks as over HTTP. */
export function createStreaming(options: StreamingOptions): StreamingGraph {
  const { schema, contextFor, mask, yoga, checks, trusted, credentials, admission } = options;
  const maskForStream = (error: unknown, requestId?: string) => withoutHttp(mask(error, requestId));
  const operations: Operations = {
    ...{ schema, contextFor, mask: maskForStream },
    subscribe: (prepared) => subscribe(options, prepared),
    execute: (prepared, execute, client) => executeInTime(options, prepared, execute, client),
  };

  return {
    credentials,
    count: async (caller) => {
      const verdict = await admission.rateLimit?.take(caller.organizationSid, caller.enterpriseSid);
      if (verdict?.retryAfter === undefined) return { rate: verdict?.rate };
      return { rate: verdict.rate, error: withoutHttp(tooManyRequests(RATE_EXCEEDED, verdict.retryAfter)) };
    },
    prepare: (caller, parameters, { resumeFrom, cost: asked } = {}) => {
      const { variables } = parameters;
      // An empty name counts as absent, as in `decodeBody`.
      const operationName = parameters.operationName || undefined;
      const enveloped = yoga.getEnveloped({ caller, params: {} } as never);
      let document: DocumentNode;
      try {
        document = enveloped.parse(resolveDocument(trusted, parameters) ?? '');
      } catch (error) {
        if (!(error instanceof GraphQLError)) return { errors: [maskForStream(error, caller.requestId)] };
        // Yoga's code over HTTP.
        error.extensions.code ??= 'GRAPHQL_PARSE_FAILED';
        return { errors: [withoutHttp(error)] };
      }
      const invalid = enveloped.validate(schema, document) as readonly GraphQLError[];
      if (invalid.length > 0) return { errors: invalid.map(withoutHttp) };
      const cost = asked && shownCost({ schema, document, operationName, variableValues: variables }, asked.rate);
      const errors = checks.check(document, operationName, variables);
      publishRefusedDocument(errors, 'QUERY_LIMIT_EXCEEDED');
      if (errors.length > 0) return { errors: errors.map(withoutHttp), cost };
      // A subscription never calls it, and would keep it in memory as long as its stream.
      const execute = getOperationAST(document, operationName)?.operation === 'subscription' ? undefined : enveloped.execute;
      return new Prepared(operations, { document, operationName, variables, caller, resumeFrom, execute, cost });
    },
  };
}

/** Runs a query or mutation of a WebSocket, within a request's deadline. */
async function executeInTime(
  { schema, contextFor, admission: { requestTimeoutMs }, log }: StreamingOptions,
  prepared: Prepared,
  execute: Parameters<Operations['execute']>[1],
  client: ClientConnection | undefined,
): Promise<ExecutionResult> {
  const { document, operationName, variables, caller, cost } = prepared;
  const { errors, ...result } = await withDeadline<ExecutionResult>(
    requestTimeoutMs,
    client,
    async (interest) => {
      const contextValue = { ...contextFor(caller, interest), interest };
      return (await execute({ schema, document, operationName, variableValues: variables, contextValue })) as ExecutionResult;
    },
    () => ({ errors: [new GraphQLError(timedOutAfter(requestTimeoutMs), { extensions: { code: 'TIMEOUT' } })] }),
    { failed: (error) => log.error({ err: error, requestId: caller.requestId }, FAILED_LATE) },
  );
  const shown = cost ? { ...result, extensions: { ...result.extensions, cost } } : result;
  return errors ? { ...shown, errors: errors.map(withoutHttp) } : shown;
}

/** Opens a stream, unless its account has the maximum open. */
async function subscribe(
  { admission, subscriptions, trusted, observe }: StreamingOptions,
  prepared: Prepared,
): ReturnType<PreparedOperation['subscribe']> {
  const { caller, document, operationName } = prepared;
  const reached = subscriptions.take(caller);
  if (reached) return { errors: [tooManySubscriptions(reached)] };
  const ended = ({ caller }: Pick<Subscription, 'caller'>) => subscriptions.release(caller);
  const facts = { face: 'graph', caller, ...factsOf(document, operationName, trusted.names) } as const;
  const open = () =>
    observed<RenderedStream | { errors: readonly GraphQLError[] }>(observe, facts, () => subscribeRendered(prepared, ended));
  try {
    const opened = await inTurn(admission, caller, 'subscription', open);
    if ('errors' in opened) ended(prepared);
    return opened;
  } catch (error) {
    ended(prepared);
    if (error instanceof OverloadError) return { errors: [withoutHttp(tooManyRequests(error.message, error.retryAfter))] };
    throw error;
  }
}
