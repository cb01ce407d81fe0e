import type {
  FieldNode,
  FragmentDefinitionNode,
  GraphQLField,
  GraphQLFieldResolver,
  GraphQLObjectType,
  GraphQLSchema,
  OperationDefinitionNode,
} from 'graphql';
import type { Packing } from '../database/lists/packed.ts';
import type { Writer } from './writers.ts';

/** How a document is answered from packed rows. */
export interface DocumentPlan {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly pages: readonly PagePlan[];
  /** What whoever asks must be permitted. */
  readonly permissions: readonly string[];
  /** What the resolvers of its lists are to read, by their fields. */
  readonly packed: ReadonlyMap<FieldNode, Packing>;
}

/** One list of a document. */
export interface PagePlan {
  readonly key: string;
  readonly node: FieldNode;
  readonly field: GraphQLField<unknown, unknown>;
  readonly resolve: GraphQLFieldResolver<unknown, unknown>;
  readonly parentType: GraphQLObjectType;
  /** Its answer: what always stands there, and what is put between. */
  readonly parts: readonly PagePart[];
  readonly row: RowPlan;
}

export type PagePart = { readonly text: string } | 'rows' | 'totalCount' | PageInfoField;

export const PAGE_INFO = ['hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor'] as const;
type PageInfoField = (typeof PAGE_INFO)[number];

/** How a row is written: its texts, with a gap between each two. */
export interface RowPlan {
  readonly texts: readonly string[];
  readonly gaps: readonly Gap[];
}

/** What stands in a gap: a value of the row, as JSON; its cursor; a list of the row whose sid is at that place. */
export type Gap = { readonly place: number; readonly write: Writer } | 'cursor' | { readonly sidPlace: number; readonly list: PagePlan };
