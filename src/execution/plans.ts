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
import type { Template } from './template.ts';
import type { Writer } from './writers.ts';

/** How a document is answered from packed rows. */
export interface DocumentPlan {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly pages: readonly PagePlan[];
  /** The permissions that a caller needs for all of it. */
  readonly permissions: readonly string[];
  /** What the resolvers of its lists are to read, by their fields. */
  readonly packed: ReadonlyMap<FieldNode, Packing>;
}

/** One list of a document. */
export interface PagePlan {
  /** Its response key. */
  readonly key: string;
  readonly node: FieldNode;
  readonly field: GraphQLField<unknown, unknown>;
  /** The list's own resolver, without what Pothos puts around it. */
  readonly resolve: GraphQLFieldResolver<unknown, unknown>;
  readonly parentType: GraphQLObjectType;
  /** The connection, with gaps for its rows, count and page info. */
  readonly page: Template<PageGap>;
  /** One of its rows, or edges. */
  readonly row: Template<RowGap>;
  /** Does any of its rows show a list? */
  readonly isNested: boolean;
}

export const PAGE_INFO = ['hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor'] as const;

export type PageGap = 'rows' | 'totalCount' | (typeof PAGE_INFO)[number];

/** The column at `place` of the packed row as JSON; the row's cursor; or a list of the row whose sid is the column at `sidPlace`. */
export type RowGap = { readonly place: number; readonly write: Writer } | 'cursor' | { readonly sidPlace: number; readonly list: PagePlan };
