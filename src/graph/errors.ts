import { GraphQLError, Kind } from 'graphql';
import type { Logger } from 'pino';
import { FAULT } from '../admission/admit.ts';
import { MAX_BODY_BYTES } from '../admission/limits.ts';
import { OUTAGE_LOGGED, outageOf } from '../admission/outage.ts';
import { DomainError } from '../domain/errors.ts';
import { withoutValue } from './documents/quoted-values.ts';

export const bodyTooLarge = () =>
  new GraphQLError(`The body is larger than ${MAX_BODY_BYTES} bytes`, {
    extensions: { code: 'REQUEST_ENTITY_TOO_LARGE', http: { status: 413 } },
  });

export const tooManyRequests = (message: string, retryAfter?: number) =>
  new GraphQLError(message, { extensions: { code: 'TOO_MANY_REQUESTS', retryAfter, http: { status: 429 } } });

export const tooManySubscriptions = (maximum: number) =>
  new GraphQLError(`This account has ${maximum} subscriptions open, as many as it may`, { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } });

/**
 * Errors given on purpose keep their text and get their code, values that don't fit the schema get BAD_USER_INPUT; whatever else is logged
 * in full and shown as INTERNAL_SERVER_ERROR, or as SERVICE_UNAVAILABLE where the database can't be used, by which the whole answer is a 503.
 * @param error the GraphQLError that execution made of what a resolver threw, or what came before
 */
export function maskError(error: unknown, log: Logger, requestId?: string): GraphQLError {
  const thrown = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  const { nodes, path, extensions } = error instanceof GraphQLError ? error : {};
  if (thrown instanceof DomainError) {
    return new GraphQLError(thrown.message, {
      nodes,
      path,
      extensions: { code: thrown.code, argument: thrown.parameter, value: thrown.value },
    });
  }
  if (thrown instanceof GraphQLError) {
    if (thrown.extensions.code) return error as GraphQLError;
    // GraphQL's own errors in execution: of an argument they point at the argument, of what a resolver answered at the field.
    if (!path || nodes?.[0]?.kind !== Kind.FIELD) {
      return new GraphQLError(withoutValue(thrown.message), { nodes, path, extensions: { ...extensions, code: 'BAD_USER_INPUT' } });
    }
  }
  const outage = outageOf(thrown);
  if (outage) {
    log.error({ err: thrown, path, requestId }, OUTAGE_LOGGED);
    const { message, retryAfter } = outage;
    const http = { status: 503, headers: { 'retry-after': String(retryAfter) } };
    return new GraphQLError(message, { nodes, path, extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter, http } });
  }
  log.error({ err: thrown, path, requestId }, 'unexpected error in the graph');
  // Outside of a field there is no partial answer to give.
  return new GraphQLError(FAULT, { nodes, path, extensions: { code: 'INTERNAL_SERVER_ERROR', http: path ? undefined : { status: 500 } } });
}
/** The status is for Yoga, and nobody else sees it. */
export function withoutStatus(error: GraphQLError): GraphQLError {
  if (!error.extensions.http) return error;
  const { http: _, ...extensions } = error.extensions;
  const { message, nodes, source, positions, path, originalError } = error;
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions });
}
