import { type DocumentNode, GraphQLError, Kind, parse, type SelectionSetNode } from 'graphql';
import { overLimit } from './limit-errors.ts';

/**
 * What a document may have, fragments counted as often as they are spread.
 * - `tokens`: words and signs of its text, comments aside
 * - `depth`: levels of fields
 * - `aliases`: of one operation
 * - `directives`: of one operation, in whatever place
 * - `fields`: of one operation. Few tokens can spread fragments into many
 *
 * The introspection query of common tools has 184 tokens, 16 levels and 210 fields.
 */
export const DOCUMENT_LIMITS = { tokens: 2000, depth: 16, aliases: 30, directives: 50, fields: 2000 } as const;

type Shape = Record<Exclude<keyof typeof DOCUMENT_LIMITS, 'tokens'>, number>;

const NOUNS: Record<keyof Shape, string> = {
  depth: 'levels of fields',
  aliases: 'aliases',
  directives: 'directives',
  fields: 'fields',
};

/** Parses a document of at most `DOCUMENT_LIMITS.tokens` tokens. @throws GraphQLError */
export function parseDocument(text: string): DocumentNode {
  try {
    return parse(text, { maxTokens: DOCUMENT_LIMITS.tokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    // The parser stops there and does not know how many would follow.
    if (/more that \d+ tokens/.test(error.message)) throw overLimit('tokens', DOCUMENT_LIMITS.tokens, undefined, 'tokens');
    throw error;
  }
}

/** The limits that a document is above, as errors. It needs no schema, and so comes before validation, which takes longer. Never throws. */
export function shapeErrors(document: DocumentNode): readonly GraphQLError[] {
  const shapes = shapesOf(document);
  return (Object.keys(NOUNS) as (keyof Shape)[]).flatMap((limit) => {
    const found = Math.max(...shapes.map((shape) => shape[limit]), 0);
    return found > DOCUMENT_LIMITS[limit] ? [overLimit(limit, DOCUMENT_LIMITS[limit], found, NOUNS[limit])] : [];
  });
}

/** The shape of each operation. Each fragment is measured once, however often it is spread. */
function shapesOf(document: DocumentNode): Shape[] {
  const fragments = new Map(document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])));
  const measured = new Map<string, Shape>();

  function measureFragment(name: string): Shape {
    const known = measured.get(name);
    if (known) return known;
    // While it is measured it counts as nothing: what spreads itself is refused by validation.
    const shape: Shape = { depth: 0, aliases: 0, directives: 0, fields: 0 };
    measured.set(name, shape);
    const fragment = fragments.get(name);
    if (fragment) Object.assign(shape, measure(fragment.selectionSet, fragment.directives?.length));
    return shape;
  }

  function measure(selectionSet: SelectionSetNode, directives = 0): Shape {
    const sum: Shape = { depth: 0, aliases: 0, directives, fields: 0 };
    for (const selection of selectionSet.selections) {
      sum.directives += selection.directives?.length ?? 0;
      const isField = selection.kind === Kind.FIELD;
      const inner = innerOf(selection);
      sum.aliases += inner.aliases + (isField && selection.alias ? 1 : 0);
      sum.fields += inner.fields + (isField ? 1 : 0);
      sum.directives += inner.directives;
      sum.depth = Math.max(sum.depth, inner.depth + (isField ? 1 : 0));
    }
    return sum;
  }

  function innerOf(selection: SelectionSetNode['selections'][number]): Shape {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return measureFragment(selection.name.value);
    return selection.selectionSet ? measure(selection.selectionSet) : NOTHING;
  }

  return document.definitions.flatMap((definition) => {
    if (definition.kind !== Kind.OPERATION_DEFINITION) return [];
    const onVariables = (definition.variableDefinitions ?? []).reduce((count, { directives }) => count + (directives?.length ?? 0), 0);
    return [measure(definition.selectionSet, onVariables + (definition.directives?.length ?? 0))];
  });
}

const NOTHING: Shape = { depth: 0, aliases: 0, directives: 0, fields: 0 };
