import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  parse,
  type SelectionNode,
  type SelectionSetNode,
  validate,
  visit,
} from 'graphql';
import { costErrors } from './cost.ts';
import { withMessage, withoutQuotedValue } from './quoted-values.ts';
import { parseDocument, shapeErrors } from './shape.ts';
import type { TrustedDocuments } from './trusted-documents.ts';
import { valueErrors } from './variable-count.ts';

interface DocumentCheckOptions {
  readonly schema: GraphQLSchema;
  readonly trusted: TrustedDocuments;
  /** Whether introspection is allowed. */
  readonly introspection: boolean;
}

/** The checks of an operation before it runs, over any transport. */
export interface DocumentChecks {
  /** @throws GraphQLError */
  readonly parse: (text: string) => DocumentNode;
  /** The errors of a document that do not depend on its variables, and can be cached with it. */
  readonly validate: (document: DocumentNode) => readonly GraphQLError[];
  /** The errors of a valid document with these variables. */
  readonly check: (
    document: DocumentNode,
    operationName: string | null | undefined,
    variables: Readonly<Record<string, unknown>> | null | undefined,
  ) => readonly GraphQLError[];
}

/**
 * Trusted documents are reviewed by the operator: they may have any shape, and use introspection. Their cost is checked like any other, since it
 * depends on variables, which come from clients.
 */
export function createDocumentChecks({ schema, trusted, introspection }: DocumentCheckOptions): DocumentChecks {
  const isTrusted = (document: DocumentNode) => trusted.has(document.loc?.source.body ?? '');
  return {
    parse: (text) => (trusted.has(text) ? parse(text) : parseDocument(text)),
    validate: (document) => {
      if (isTrusted(document)) return validationErrors(schema, document);
      const errors = [...shapeErrors(document), ...(introspection ? [] : introspectionErrors(document))];
      if (errors.length > 0) return errors;
      const invalid = validationErrors(schema, document).map(withoutQuotedValue);
      return introspection ? invalid : invalid.map(withoutSuggestion);
    },
    check: (document, operationName, variables) => {
      const errors = valueErrors(variables);
      return errors.length > 0 ? errors : costErrors(schema, document, operationName, variables);
    },
  };
}

/** Validates a document. graphql throws the errors of directives on a subscription's root field, which this returns like others. */
function validationErrors(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  try {
    const errors = validate(schema, document);
    return errors.length > 0 ? errors : conditionalRootErrors(document);
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

/**
 * A subscription's root field must not have `@skip` or `@include` (GraphQL specification of September 2025, 5.2.4.1): there might be nothing to
 * subscribe to. graphql 16 does not check this.
 */
function conditionalRootErrors(document: DocumentNode): readonly GraphQLError[] {
  const seen = new Set<string>();
  const nodesIn = ({ selections }: SelectionSetNode): SelectionNode[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection];
      if (selection.kind === Kind.INLINE_FRAGMENT) return [selection, ...nodesIn(selection.selectionSet)];
      const name = selection.name.value;
      const fragment = document.definitions.find((one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === name);
      if (seen.has(name) || fragment?.kind !== Kind.FRAGMENT_DEFINITION) return [selection];
      seen.add(name);
      return [selection, ...nodesIn(fragment.selectionSet)];
    });
  return document.definitions
    .flatMap((one) => (one.kind === Kind.OPERATION_DEFINITION && one.operation === 'subscription' ? nodesIn(one.selectionSet) : []))
    .filter(({ directives }) => directives?.some(({ name }) => name.value === 'skip' || name.value === 'include'))
    .map((node) => new GraphQLError("A subscription's root field cannot have @skip or @include", { nodes: node }));
}

/** The errors of `__schema` and `__type`. `__typename` reveals nothing that a response does not. */
function introspectionErrors(document: DocumentNode): GraphQLError[] {
  const errors: GraphQLError[] = [];
  visit(document, {
    [Kind.FIELD]: (node) => {
      if (node.name.value !== '__schema' && node.name.value !== '__type') return;
      errors.push(
        new GraphQLError('Introspection is disabled', {
          nodes: node,
          extensions: { code: 'INTROSPECTION_OFF', http: { status: 400, spec: true } },
        }),
      );
    },
  });
  return errors;
}

/** Removes the names that graphql's messages suggest: by guessing, they reveal the schema. */
export function withoutSuggestion(error: GraphQLError): GraphQLError {
  return withMessage(error, error.message.replace(/ ?Did you mean .*\?/s, ''));
}
