import { type ASTNode, type DocumentNode, GraphQLError, type SourceLocation, visit } from 'graphql';

/**
 * Makes the errors that graphql's own `execute` would have, of those of a compiled document: graphql-jit's name places in the document, but not its
 * nodes, which tell an invalid argument from a fault.
 * @param errors not empty
 */
export function exactErrors(document: DocumentNode, errors: readonly GraphQLError[]): readonly GraphQLError[] {
  const nodes = nodesByPlace(document);
  return errors.map(({ message, locations, path, originalError, extensions }) => {
    const located = locations?.flatMap((place) => nodes.get(placeOf(place)) ?? []);
    return new GraphQLError(message, { nodes: located, path, originalError, extensions });
  });
}

const placeOf = ({ line, column }: SourceLocation) => `${line}:${column}`;

/** Of nodes that begin at the same place, the outermost: a field, rather than its name. */
function nodesByPlace(document: DocumentNode): ReadonlyMap<string, ASTNode> {
  const nodes = new Map<string, ASTNode>();
  visit(document, {
    enter: (node) => {
      if (!node.loc) return;
      const place = placeOf(node.loc.startToken);
      if (!nodes.has(place)) nodes.set(place, node);
    },
  });
  return nodes;
}
