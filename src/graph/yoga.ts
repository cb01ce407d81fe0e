import { type DocumentNode, type ExecutionArgs, type ExecutionResult, execute, GraphQLError, type GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { type Admission, inTurn } from '../admission/admission.ts';
import type { Admitted } from '../admission/admit.ts';
import { OverloadError } from '../admission/fairness.ts';
import { MAX_BODY_BYTES } from '../admission/limits.ts';
import type { Caller } from '../domain/caller.ts';
import { factsOf, type ObserveOperation, observed } from '../execution/operations.ts';
import type { DocumentChecks } from './documents/checks.ts';
import type { Named, TrustedDocuments } from './documents/trusted-documents.ts';
import { bodyTooLarge, tooManyRequests } from './errors.ts';
import { readableQuery, spokenRefusals } from './yoga-gaps.ts';

/** What each request brings along. */
export interface ServerContext extends Admitted {
  /** The result of an operation that was run already. */
  readonly result?: ExecutionResult;
}

interface YogaOptions {
  readonly schema: GraphQLSchema;
  readonly contextFor: (caller: Caller) => object;
  readonly mask: (error: unknown, requestId?: string) => GraphQLError;
  readonly checks: DocumentChecks;
  readonly trusted: TrustedDocuments;
  readonly admission: Admission;
  readonly observe: ObserveOperation;
  readonly log: Logger;
}

export type YogaServer = ReturnType<typeof createYogaServer>;

/** Yoga, with its open defaults closed. */
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
      // Only of what maskError was given, also where that was no fault: it logs what is one.
      error: () => {},
    },
    plugins: [readableQuery, spokenRefusals, noStreams, namedDocuments(trusted), checked(checks), runInTurn(admission, observe, mask)],
    context: ({ caller }) => contextFor(caller),
    maskedErrors: { maskError: (error) => (isTooLarge(error) ? bodyTooLarge() : mask(error)) },
  });
}

const isTooLarge = (error: unknown) => error instanceof GraphQLError && error.extensions.code === 'REQUEST_ENTITY_TOO_LARGE';

/** Puts in the text of the document that a request names. */
function namedDocuments(trusted: TrustedDocuments): Plugin {
  return {
    onParams: ({ params, request, setParams }) => {
      // Yoga says what is wrong with anything else.
      if (typeof params !== 'object' || params === null || Array.isArray(params)) return;
      const { documentId: inBody, ...rest } = params as typeof params & Named;
      const documentId = request.method === 'GET' ? (new URL(request.url).searchParams.get('documentId') ?? undefined) : inBody;
      const query = trusted.resolve({ ...rest, documentId });
      if (query !== undefined) setParams({ ...rest, query });
    },
  };
}

/** Holds every operation against the checks. Yoga keeps what `parse` and `validate` found. */
function checked({ parse, validate, check }: DocumentChecks): Plugin {
  return {
    onParse: ({ setParseFn }) => setParseFn((text: { toString(): string }) => parse(text.toString())),
    onValidate: ({ setValidationFn }) => setValidationFn((_schema: GraphQLSchema, document: DocumentNode) => validate(document)),
    onExecute: ({ args, setResultAndStopExecution }) => {
      const errors = check(args.document, args.operationName, args.variableValues);
      if (errors.length > 0) setResultAndStopExecution({ errors });
    },
  };
}

/**
 * Runs every operation when it is its account's turn, unless it was run. Its errors are masked here, where it is known whose they are: maskedErrors
 * leaves them as they are then.
 */
function runInTurn(admission: Admission, observe: ObserveOperation, mask: YogaOptions['mask']): Plugin<ServerContext> {
  return {
    onExecute: ({ setExecuteFn, args }) => {
      const { caller, isOver, result } = args.contextValue;
      const facts = { face: 'graph', caller, ...factsOf(args.document, args.operationName) } as const;
      setExecuteFn(async (given: unknown) => {
        // Yoga's own executor gives fields in the order in which they resolve, graphql's in the order in which they were asked for.
        const run = () => observed(observe, facts, () => execute(given as ExecutionArgs));
        try {
          const { errors, ...answer } = result ?? (await inTurn(admission, caller, facts.kind, run, isOver));
          return errors ? { ...answer, errors: errors.map((error) => mask(error, caller.requestId)) } : answer;
        } catch (error) {
          if (error instanceof OverloadError) return { errors: [tooManyRequests(error.message)] };
          throw error;
        }
      });
    },
  };
}

/** Streams are served by eventStream alone, which looks after their credentials and their end. */
const noStreams: Plugin = {
  onSubscribe: ({ setResultAndStopExecution }) => {
    const message = 'A subscription is answered as text/event-stream, or over a WebSocket';
    setResultAndStopExecution({ errors: [new GraphQLError(message, { extensions: { code: 'NOT_ACCEPTABLE', http: { status: 406 } } })] });
  },
};
