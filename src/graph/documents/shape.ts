import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  Lexer,
  parse,
  type SelectionNode,
  type SelectionSetNode,
  Source,
  type Token,
  TokenKind,
} from 'graphql';
import { overLimit } from './limit-errors.ts';

/**
 * Limits on a document. A fragment counts as often as it is spread.
 * - `tokens`: of the whole text, without comments
 * - `nesting`: brackets of any kind inside each other. graphql's parser calls itself for each, so that thousands would overflow the stack
 * - `depth`: levels of fields
 * - `aliases`: in one operation
 * - `directives`: in one operation, wherever they are
 * - `fields`: in one operation; a few tokens can spread fragments into many
 *
 * The introspection query of common tools has 184 tokens, 16 levels and 210 fields.
 */
export const DOCUMENT_LIMITS = { tokens: 2000, nesting: 100, depth: 16, aliases: 30, directives: 50, fields: 2000 } as const;

type Shape = Record<Exclude<keyof typeof DOCUMENT_LIMITS, 'tokens' | 'nesting'>, number>;

const NOUNS: Record<keyof Shape, string> = {
  depth: 'levels of fields',
  aliases: 'aliases',
  directives: 'directives',
  fields: 'fields',
};

const EMPTY: Shape = { depth: 0, aliases: 0, directives: 0, fields: 0 };

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/** Reads tokens until too many brackets are open, so that the parser stops before it has gone as deep. */
class NestingLexer extends Lexer {
  #open = 0;

  /** @throws GraphQLError */
  override advance(): Token {
    const token = super.advance();
    if (OPENING.has(token.kind)) this.#open += 1;
    else if (CLOSING.has(token.kind)) this.#open -= 1;
    if (this.#open > DOCUMENT_LIMITS.nesting) throw overLimit('nesting', DOCUMENT_LIMITS.nesting, undefined, 'brackets inside each other');
    return token;
  }
}

/**
 * Parses a document of at most `DOCUMENT_LIMITS.tokens` tokens, with at most `DOCUMENT_LIMITS.nesting` brackets inside each other.
 * @throws GraphQLError
 */
export function parseDocument(text: string): DocumentNode {
  try {
    const source = new Source(text);
    return parse(source, { maxTokens: DOCUMENT_LIMITS.tokens, lexer: new NestingLexer(source) });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    // graphql's own message, with its misspelling. The parser stops at the limit, so the number of tokens is not known.
    if (/more that \d+ tokens/.test(error.message)) throw overLimit('tokens', DOCUMENT_LIMITS.tokens, undefined, 'tokens');
    throw error;
  }
}

/** Checks a document against `DOCUMENT_LIMITS`, without a schema, and so before validation, which takes longer. Never throws. */
export function shapeErrors(document: DocumentNode): readonly GraphQLError[] {
  const shapes = shapesOf(document);
  return (Object.keys(NOUNS) as (keyof Shape)[]).flatMap((limit) => {
    const found = Math.max(...shapes.map((shape) => shape[limit]), 0);
    return found > DOCUMENT_LIMITS[limit] ? [overLimit(limit, DOCUMENT_LIMITS[limit], found, NOUNS[limit])] : [];
  });
}

/** Measures the shape of each operation. */
function shapesOf(document: DocumentNode): Shape[] {
  const measurements = new Measurements(document);
  return document.definitions.flatMap((definition) => {
    if (definition.kind !== Kind.OPERATION_DEFINITION) return [];
    const onVariables = (definition.variableDefinitions ?? []).reduce((count, { directives }) => count + (directives?.length ?? 0), 0);
    return [measurements.of(definition.selectionSet, onVariables + (definition.directives?.length ?? 0))];
  });
}

/** Measures each fragment once, however often it is spread. */
class Measurements {
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #measured = new Map<string, Shape>();

  constructor(document: DocumentNode) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
    }
  }

  /** @param directives of the operation or fragment whose selection set it is */
  of(selectionSet: SelectionSetNode, directives = 0): Shape {
    const shape: Shape = { depth: 0, aliases: 0, directives, fields: 0 };
    for (const selection of selectionSet.selections) {
      shape.directives += selection.directives?.length ?? 0;
      const isField = selection.kind === Kind.FIELD;
      const inner = this.#inside(selection);
      shape.aliases += inner.aliases + (isField && selection.alias ? 1 : 0);
      shape.fields += inner.fields + (isField ? 1 : 0);
      shape.directives += inner.directives;
      shape.depth = Math.max(shape.depth, inner.depth + (isField ? 1 : 0));
    }
    return shape;
  }

  #inside(selection: SelectionNode): Shape {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return this.#ofFragment(selection.name.value);
    return selection.selectionSet ? this.of(selection.selectionSet) : EMPTY;
  }

  #ofFragment(name: string): Shape {
    const known = this.#measured.get(name);
    if (known) return known;
    // Empty until it is measured, so that a fragment that spreads itself ends here. Validation refuses it.
    const shape: Shape = { ...EMPTY };
    this.#measured.set(name, shape);
    const fragment = this.#fragments.get(name);
    if (fragment) Object.assign(shape, this.of(fragment.selectionSet, fragment.directives?.length));
    return shape;
  }
}
