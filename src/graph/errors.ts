import { GraphQLError, Kind } from 'graphql';
import type { Logger } from 'pino';
import { FAULT } from '../admission/admit.ts';
import { MAX_BODY_BYTES } from '../admission/limits.ts';
import { isUnheard, OUTAGE_LOGGED, outageOf } from '../admission/outage.ts';
import { DomainError } from '../domain/errors.ts';
import { logPrivateCause } from '../domain/private-causes.ts';
import { withoutValue } from './documents/quoted-values.ts';

export const bodyTooLarge = () =>
  new GraphQLError(`The request body is larger than ${MAX_BODY_BYTES} bytes`, {
    extensions: { code: 'REQUEST_ENTITY_TOO_LARGE', http: { status: 413 } },
  });

/** @param retryAfter in seconds */
export const tooManyRequests = (message: string, retryAfter: number) =>
  new GraphQLError(message, {
    extensions: { code: 'TOO_MANY_REQUESTS', retryAfter, http: { status: 429, headers: { 'retry-after': String(retryAfter) } } },
  });

export const tooManySubscriptions = ({ owner, maximum }: { readonly owner: string; readonly maximum: number }) =>
  new GraphQLError(`This ${owner} already has ${maximum} open subscriptions, the maximum`, {
    extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' },
  });

/**
 * Makes the error that a client sees. The domain's errors, whose private half is logged, and GraphQLErrors with a code keep their message; values that
 * do not fit the schema get BAD_USER_INPUT. Anything else is logged and masked: SERVICE_UNAVAILABLE, with HTTP status 503, while the database is
 * unavailable, otherwise INTERNAL_SERVER_ERROR.
 * @param error from execution, a GraphQLError whose `originalError` a resolver threw; or any error from before it
 */
export function maskError(error: unknown, log: Logger, requestId?: string): GraphQLError {
  const thrown = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  const { nodes, path, extensions } = error instanceof GraphQLError ? error : {};
  if (thrown instanceof DomainError) {
    logPrivateCause(log, { requestId }, thrown);
    return new GraphQLError(thrown.message, {
      nodes,
      path,
      extensions: { code: thrown.code, path: thrown.parameter, value: thrown.value },
    });
  }
  if (thrown instanceof GraphQLError) {
    if (thrown.extensions.originalError) return notJson(thrown);
    if (thrown.extensions.code) return error as GraphQLError;
    // graphql's own errors about an argument point at the argument. Those about a resolver's return value point at the field, and are faults.
    if (!path || nodes?.[0]?.kind !== Kind.FIELD) {
      return new GraphQLError(withoutValue(thrown.message), { nodes, path, extensions: { ...extensions, code: 'BAD_USER_INPUT' } });
    }
  }
  const outage = outageOf(thrown);
  if (outage) {
    if (!isUnheard(thrown)) log.error({ err: thrown, path, requestId }, OUTAGE_LOGGED);
    const { message, retryAfter } = outage;
    const http = { status: 503, headers: { 'retry-after': String(retryAfter) } };
    return new GraphQLError(message, { nodes, path, extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter, http } });
  }
  log.error({ err: thrown, path, requestId }, 'unexpected error in the graph');
  // An error of a field leaves the other fields' data, with status 200.
  return new GraphQLError(FAULT, { nodes, path, extensions: { code: 'INTERNAL_SERVER_ERROR', http: path ? undefined : { status: 500 } } });
}

/** Yoga's error about a body that is not JSON, without the parser's message. The status is 400 whatever media type is accepted. */
const notJson = ({ message, extensions: { code } }: GraphQLError) =>
  new GraphQLError(message, { extensions: { code, http: { status: 400 } } });

/**
 * Gives errors without data the status 400 (GraphQL over HTTP, 6.4.2), unless they have a status. `spec`: Yoga sends it with
 * application/graphql-response+json only, and 200 with application/json, as the request was well-formed.
 */
export const withStatus = (errors: readonly GraphQLError[]): readonly GraphQLError[] =>
  errors.some(({ extensions }) => extensions.http) ? errors : errors.map(asBadRequest);

function asBadRequest({ message, nodes, source, positions, path, originalError, extensions }: GraphQLError): GraphQLError {
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    path,
    originalError,
    extensions: { ...extensions, http: { status: 400, spec: true } },
  });
}

/** The error without `extensions.http`, which only Yoga reads, and removes. */
export function withoutHttp(error: GraphQLError): GraphQLError {
  if (!error.extensions.http) return error;
  const { http: _, ...extensions } = error.extensions;
  const { message, nodes, source, positions, path, originalError } = error;
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions });
}
