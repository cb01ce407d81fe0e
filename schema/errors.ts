import { GraphQLError } from 'graphql';
import { EndedCredentialsError } from '../src/domain/access/access-tokens.ts';
import {
  ConflictError,
  type DomainError,
  type ErrorCode,
  errorCodes,
  type InputIssue,
  InvalidInputError,
  NotFoundError,
  PlatformError,
  SmsTooLongError,
} from '../src/domain/errors.ts';
import { builder } from './builder.ts';

const ErrorCodeEnum = builder.enumType('ErrorCode', {
  description: 'The reason for an error: `Error.code` in mutations, and `extensions.code` in the errors of queries and subscriptions.',
  values: Object.fromEntries(Object.entries(errorCodes).map(([code, description]) => [code, { description }])),
});

const ErrorInterface = builder.interfaceRef<DomainError>('Error').implement({
  description: 'An expected error of a mutation. Nothing was changed unless stated otherwise.',
  fields: (t) => ({
    code: t.field({ type: ErrorCodeEnum, description: 'The machine-readable reason for the error.', resolve: (error) => error.code }),
    message: t.exposeString('message', { description: 'A human-readable explanation of the error.' }),
    path: t.stringList({
      nullable: true,
      description:
        'The input field that caused the error, as a path from the input object, e.g. `["enterpriseAdmin", "email"]`. `null` if no field did.',
      resolve: (error) => (error.parameter ? [...error.parameter] : null),
    }),
    value: t.string({
      nullable: true,
      description: 'The rejected value as text. `null` if it is missing, a secret, or not a single value.',
      resolve: (error) => error.value,
    }),
  }),
});

const InputIssueRef = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'A problem with one field of an input.',
  fields: (t) => ({
    path: t.stringList({ description: 'The input field, as a path from the input object.', resolve: (issue) => [...issue.path] }),
    message: t.exposeString('message', { description: 'A human-readable explanation of the problem, e.g. `is missing`.' }),
  }),
});

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description:
    'The input is incomplete (`MISSING_PARAMETER`) or malformed (`INVALID_PARAMETER`). The idempotency key can be used again with a corrected input.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssueRef],
      description: 'All missing fields or, if none is missing, all malformed ones.',
      resolve: (error) => [...error.issues],
    }),
  }),
});
builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'There is no object with the given sid, or it is not visible to the caller.',
  interfaces: [ErrorInterface],
});
builder.objectType(ConflictError, {
  name: 'ConflictError',
  description: "The request conflicts with the stored data or with Microsoft's.",
  interfaces: [ErrorInterface],
});
builder.objectType(PlatformError, {
  name: 'PlatformError',
  description:
    'The Restcomm platform or Microsoft refused the request or did not respond. The mutation can be repeated with the same idempotency key.',
  interfaces: [ErrorInterface],
});

builder.objectType(SmsTooLongError, {
  name: 'SmsTooLongError',
  description: 'The text is longer than the carrier accepts (`SMS_TOO_LONG`): it would be truncated or refused.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    characters: t.int({ description: 'The length of the text in UTF-16 code units.', resolve: ({ size }) => size.characters }),
    segments: t.int({ description: 'The length of the text in SMS segments.', resolve: ({ size }) => size.segments }),
    maxCharacters: t.int({ description: 'The maximum length in UTF-16 code units.', resolve: ({ max }) => max.characters }),
    maxSegments: t.int({
      nullable: true,
      description: 'The maximum length in SMS segments. `null` if only characters are limited.',
      resolve: ({ max }) => max.segments,
    }),
  }),
});

/**
 * The `errors` option of a mutation: a union of its success and of exactly the error types that it can return.
 * @param result what its success has, for the description
 * @param codes its errors, without those common to all mutations (see the description of `Mutation`)
 * @param keyed whether it accepts an idempotency key, which can conflict
 */
export function resultUnion(name: string, result: string, codes: readonly ErrorCode[], { keyed = true } = {}) {
  const own = codes.map((code) => `\`${code}\``).join(', ');
  return {
    types: [...new Set([...(keyed ? [InvalidInputError, ConflictError] : []), ...codes.map(kindOf)])],
    union: {
      name,
      description: !keyed
        ? `The ${result}, or the error ${own}.`
        : `The ${result}, or an error: ${own === '' ? '' : `${own}, or `}one common to all mutations.`,
    },
  };
}

/**
 * Rejects with UNAUTHENTICATED if the caller's credentials ended while the mutation ran, and with the error itself otherwise.
 * @throws GraphQLError
 */
export function endedCredentials(error: unknown): never {
  if (!(error instanceof EndedCredentialsError)) throw error;
  throw new GraphQLError('Your credentials are no longer valid', { extensions: { code: 'UNAUTHENTICATED' } });
}

/** The class of the errors with this code. */
function kindOf(code: ErrorCode) {
  if (code.endsWith('_NOT_FOUND')) return NotFoundError;
  if (code === 'PLATFORM_ERROR') return PlatformError;
  if (code === 'SMS_TOO_LONG') return SmsTooLongError;
  return ConflictError;
}
