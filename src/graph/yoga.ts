import { type DocumentNode, type ExecutionArgs, type ExecutionResult, execute, GraphQLError, type GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { type Admission, inTurn } from '../admission/admission.ts';
import type { Admitted } from '../admission/admit.ts';
import { OverloadError } from '../admission/fairness.ts';
import { MAX_BODY_BYTES } from '../admission/limits.ts';
import { factsOf, type ObserveOperation, observed } from '../execution/operations.ts';
import { publishRefusedDocument } from '../execution/refused-documents.ts';
import type { OperationContext } from '../execution/run.ts';
import type { ContextFor } from './context-for.ts';
import type { DocumentChecks } from './documents/checks.ts';
import type { DocumentReference, TrustedDocuments } from './documents/trusted-documents.ts';
import { bodyTooLarge, tooManyRequests, withoutHttp, withStatus } from './errors.ts';
import { resolveDocument } from './resolve-document.ts';
import { withCost } from './shown-cost.ts';
import { malformedJson, refusalBodies } from './yoga-gaps.ts';

/** Yoga's server context, passed to `fetch` with each request. */
interface ServerContext extends Admitted {
  /** The result, if the operation was run already: Yoga only makes its response. */
  readonly result?: ExecutionResult;
}

interface YogaOptions {
  readonly schema: GraphQLSchema;
  readonly contextFor: ContextFor;
  readonly mask: (error: unknown, requestId?: string) => GraphQLError;
  readonly checks: DocumentChecks;
  readonly trusted: TrustedDocuments;
  readonly admission: Admission;
  readonly observe: ObserveOperation;
  readonly log: Logger;
}

export type YogaServer = ReturnType<typeof createYogaServer>;

/** Creates Yoga, without the default features that are not used here. */
export function createYogaServer({ schema, contextFor, mask, checks, trusted, admission, observe, log }: YogaOptions) {
  return createYoga<ServerContext, object>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    graphiql: false,
    maxRequestBodySize: MAX_BODY_BYTES,
    logging: {
      debug: (...parts) => log.debug(parts.join(' ')),
      info: (...parts) => log.info(parts.join(' ')),
      warn: (...parts) => log.warn(parts.join(' ')),
      // Yoga logs every error that it masks, expected ones too. `mask` logs the unexpected ones.
      error: () => {},
    },
    plugins: [
      ...[malformedJson, refusalBodies, noStreams],
      ...[resolveDocuments(trusted), checkDocuments(checks), runInTurn({ admission, observe, trusted }, mask)],
    ],
    context: ({ caller, interest }) => contextFor(caller, interest),
    maskedErrors: { maskError: (error) => (isTooLarge(error) ? bodyTooLarge() : asWellFormed(mask(error))) },
  });
}

const isTooLarge = (error: unknown) => error instanceof GraphQLError && error.extensions.code === 'REQUEST_ENTITY_TOO_LARGE';

/**
 * Yoga gives 400 to a request without an operation of the name that it asks for, over any media type. It is well-formed: with application/json the status is
 * 200 (GraphQL over HTTP, 6.4.1).
 */
function asWellFormed(error: GraphQLError): GraphQLError {
  const { extensions } = error;
  if (extensions.code === 'OPERATION_RESOLUTION_FAILURE') extensions.http = { status: 400, spec: true };
  return error;
}

const badRequest = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });

/** Replaces a reference to a trusted document with its text. */
function resolveDocuments(trusted: TrustedDocuments): Plugin {
  return {
    onParams: ({ params, request, setParams }) => {
      // Yoga refuses anything else.
      if (typeof params !== 'object' || params === null || Array.isArray(params)) return;
      const { documentId: inBody, ...rest } = params as typeof params & DocumentReference;
      const documentId = request.method === 'GET' ? (new URL(request.url).searchParams.get('documentId') ?? undefined) : inBody;
      const query = resolveDocument(trusted, { ...rest, documentId });
      // Yoga's own refusal has the status 200 with application/json, which is for well-formed requests only.
      if (query === undefined && rest.query == null) throw badRequest('The request has no query');
      if (query === undefined) return;
      // An empty name counts as absent, as in `decodeBody`. Yoga refuses a value that is not a string.
      setParams({ ...rest, ...(rest.operationName === '' && { operationName: undefined }), query });
    },
  };
}

/** Checks every operation. Yoga caches the results of `parse` and `validate`. */
function checkDocuments({ parse, validate, check }: DocumentChecks): Plugin<ServerContext> {
  return {
    onParse: ({ setParseFn }) => {
      setParseFn((text: { toString(): string }) => parse(text.toString()));
      return ({ result }) => {
        if (result instanceof GraphQLError) publishRefusedDocument([result], 'GRAPHQL_PARSE_FAILED');
      };
    },
    onValidate: ({ setValidationFn }) => {
      setValidationFn((_schema: GraphQLSchema, document: DocumentNode) => validate(document));
      return ({ valid, result }) => {
        if (!valid) publishRefusedDocument(result as readonly GraphQLError[], 'GRAPHQL_VALIDATION_FAILED');
      };
    },
    onExecute: ({ args, setResultAndStopExecution }) => {
      const errors = check(args.document, args.operationName, args.variableValues);
      publishRefusedDocument(errors, 'QUERY_LIMIT_EXCEEDED');
      const { request, rate } = args.contextValue;
      if (errors.length > 0) setResultAndStopExecution(withCost({ errors }, args, { request, rate }));
    },
  };
}

/**
 * Runs every operation when it is its account's turn, unless it was run already. Its errors are masked here, where the request id is known;
 * `maskedErrors` then leaves them as they are.
 */
function runInTurn(
  { admission, observe, trusted }: Pick<YogaOptions, 'admission' | 'observe' | 'trusted'>,
  mask: YogaOptions['mask'],
): Plugin<ServerContext> {
  return {
    onExecute: ({ setExecuteFn, args }) => {
      const { caller, interest, rate, request, result: knownResult } = args.contextValue;
      const facts = { face: 'graph', caller, ...factsOf(args.document, args.operationName, trusted.names) } as const;
      setExecuteFn(async (executionArgs: unknown) => {
        // Yoga's own executor orders a result's fields by when they resolve; the specification (7.2.2) wants the order of the selection.
        const { contextValue } = executionArgs as ExecutionArgs & { readonly contextValue: OperationContext };
        const ending = { answeredError: () => contextValue.answeredError, interest };
        const run = () => observed(observe, facts, () => execute(executionArgs as ExecutionArgs), ending);
        try {
          const { errors, ...result } = knownResult ?? (await inTurn(admission, caller, facts.kind, run, interest));
          const masked = errors?.map((error) => mask(error, caller.requestId));
          const shown = masked ? { ...result, errors: withStatusOf(result, masked) } : result;
          return withCost(shown, args, { request, rate });
        } catch (error) {
          if (error instanceof OverloadError) return { errors: [tooManyRequests(error.message, error.retryAfter)] };
          throw error;
        }
      });
    },
  };
}

/**
 * The errors of a result, which decide its status. A result with some data has 200, whatever its errors are (GraphQL over HTTP, 6.4): else clients would
 * repeat a mutation that succeeded together with one that did not.
 */
function withStatusOf(result: object, errors: readonly GraphQLError[]): readonly GraphQLError[] {
  if (!('data' in result)) return withStatus(errors);
  const hasData = Object.values(result.data ?? {}).some((value) => value !== null);
  return hasData ? errors.map(withoutHttp) : errors;
}

/** Refuses subscriptions: `eventStream` serves them, and ends them with their credentials. */
const noStreams: Plugin = {
  onSubscribe: ({ setResultAndStopExecution }) => {
    const message = 'Subscriptions are served as text/event-stream or over a WebSocket';
    setResultAndStopExecution({ errors: [new GraphQLError(message, { extensions: { code: 'NOT_ACCEPTABLE', http: { status: 406 } } })] });
  },
};
