import {
  ConflictError,
  type DomainError,
  errorCodes,
  type InputIssue,
  InvalidInputError,
  NotFoundError,
  PlatformError,
} from '../src/domain/errors.ts';
import { builder } from './builder.ts';

export const ErrorCodeEnum = builder.enumType('ErrorCode', {
  description: 'Why something was refused. The same catalogue serves the REST contract.',
  values: Object.fromEntries(Object.entries(errorCodes).map(([code, description]) => [code, { description }])),
});

export const ErrorInterface = builder.interfaceRef<DomainError>('Error').implement({
  description: 'An expected refusal. Nothing was changed.',
  fields: (t) => ({
    code: t.field({ type: ErrorCodeEnum, description: 'The code to decide by.', resolve: (error) => error.code }),
    message: t.exposeString('message', { description: 'The text to show.' }),
    path: t.stringList({
      nullable: true,
      description: 'The input field it came from, from the input object down.',
      resolve: (error) => (error.parameter ? [...error.parameter] : null),
    }),
    value: t.string({ nullable: true, description: 'The offending value as text.', resolve: (error) => error.value }),
  }),
});

const InputIssueRef = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One thing that is wrong with an input.',
  fields: (t) => ({
    path: t.stringList({ description: 'The input field, from the input object down.', resolve: (issue) => [...issue.path] }),
    message: t.exposeString('message', { description: 'What is wrong with it.' }),
  }),
});

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description: 'The input is incomplete or malformed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssueRef],
      description: 'Everything that is wrong with the input.',
      resolve: (error) => [...error.issues],
    }),
  }),
});
builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: "Something named by its sid is unknown, or another organization's.",
  interfaces: [ErrorInterface],
});
builder.objectType(ConflictError, {
  name: 'ConflictError',
  description: 'The request contradicts what is stored, or what Microsoft knows.',
  interfaces: [ErrorInterface],
});
builder.objectType(PlatformError, {
  name: 'PlatformError',
  description: 'The Restcomm platform or Microsoft refused or did not answer.',
  interfaces: [ErrorInterface],
});

/** The `errors` option of a mutation: its result union, named and described, of the entity and every expected refusal. */
export const resultUnion = (name: string, entity: string) => ({
  types: [InvalidInputError, NotFoundError, ConflictError, PlatformError],
  union: { name, description: `The ${entity}, or why not.` },
});
