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
import { withoutQuotedValue } from './quoted-values.ts';
import { parseDocument, shapeErrors } from './shape.ts';
import type { TrustedDocuments } from './trusted-documents.ts';
import { valueErrors } from './variable-count.ts';

export interface DocumentCheckOptions {
  readonly schema: GraphQLSchema;
  readonly trusted: TrustedDocuments;
  /** May the schema be asked for? */
  readonly introspection: boolean;
}

/** Everything that is held against an operation before it runs, whichever transport brings it. */
export interface DocumentChecks {
  /** @throws GraphQLError */
  readonly parse: (text: string) => DocumentNode;
  /** The errors for which a document is not run, whatever its variables: worth keeping with it. */
  readonly validate: (document: DocumentNode) => readonly GraphQLError[];
  /** The errors for which a valid document is not run with these variables. */
  readonly check: (
    document: DocumentNode,
    operationName: string | null | undefined,
    variables: Readonly<Record<string, unknown>> | null | undefined,
  ) => readonly GraphQLError[];
}

/**
 * Trusted documents are what the operator has looked at: they may have any shape, and ask for the schema. How much they ask for depends on their
 * variables, which come from anyone, so the cost is held against them too.
 */
export function createDocumentChecks({ schema, trusted, introspection }: DocumentCheckOptions): DocumentChecks {
  const isTrusted = (document: DocumentNode) => trusted.has(document.loc?.source.body ?? '');
  return {
    parse: (text) => (trusted.has(text) ? parse(text) : parseDocument(text)),
    validate: (document) => {
      if (isTrusted(document)) return problemsOf(schema, document);
      const errors = [...shapeErrors(document), ...(introspection ? [] : introspectionErrors(document))];
      if (errors.length > 0) return errors;
      const invalid = problemsOf(schema, document).map(withoutQuotedValue);
      return introspection ? invalid : invalid.map(withoutSuggestion);
    },
    check: (document, operationName, variables) => {
      const errors = valueErrors(variables);
      return errors.length > 0 ? errors : costErrors(schema, document, operationName, variables);
    },
  };
}

/** Of a subscription's root field, graphql reads the directives while it validates, and throws what is wrong with them. */
function problemsOf(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  try {
    const errors = validate(schema, document);
    return errors.length > 0 ? errors : skippedRoots(document);
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

/** The specification (5.2.4.1, since 2025) lets no subscription skip its root field: there would be nothing to subscribe to. graphql does not look. */
function skippedRoots(document: DocumentNode): readonly GraphQLError[] {
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
    .map((node) => new GraphQLError('A subscription’s root field can not be skipped or included', { nodes: node }));
}

/** Where the schema may not be asked for: the fields that do. `__typename` tells nothing. */
function introspectionErrors(document: DocumentNode): GraphQLError[] {
  const errors: GraphQLError[] = [];
  visit(document, {
    [Kind.FIELD]: (node) => {
      if (node.name.value !== '__schema' && node.name.value !== '__type') return;
      errors.push(
        new GraphQLError('Introspection is off', {
          nodes: node,
          extensions: { code: 'INTROSPECTION_OFF', http: { status: 400, spec: false } },
        }),
      );
    },
  });
  return errors;
}

/** GraphQL's own errors propose names that the schema has, which is introspection by guessing. */
export function withoutSuggestion(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ ?Did you mean .*\?/s, '');
  if (message === error.message) return error;
  const { nodes, source, positions, path, originalError, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions });
}
