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
import type { ColumnValue, ListValues } from './values.ts';

/** A plan for answering a document from packed rows. */
export interface DocumentPlan {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly pages: readonly PagePlan[];
  /** The permissions that a caller needs for the whole document. */
  readonly permissions: readonly string[];
  /** The packing that each list's resolver has to read, by its field. */
  readonly packed: ReadonlyMap<FieldNode, Packing>;
}

/** One list of a document. */
export interface PagePlan {
  /** Its response key. */
  readonly key: string;
  readonly node: FieldNode;
  readonly field: GraphQLField<unknown, unknown>;
  /** The list's own resolver, without Pothos' wrapper. */
  readonly resolve: GraphQLFieldResolver<unknown, unknown>;
  readonly parentType: GraphQLObjectType;
  /** The connection, with gaps for its rows, count and page info. */
  readonly page: Template<PageGap>;
  /** One of its rows, or edges. */
  readonly row: Template<RowGap>;
  /** The response key of its rows, if it shows any: of its nodes or edges. */
  readonly rowsKey?: string;
  /** Whether its rows contain lists. */
  readonly isNested: boolean;
  /** Given if it can be answered as values. */
  readonly values?: ListValues;
}

export const PAGE_INFO = ['hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor'] as const;

export type PageGap = 'rows' | 'totalCount' | 'totalCountIsExact' | (typeof PAGE_INFO)[number];

/** A column as JSON; the row's cursor; or a list of the row. */
export type RowGap = ColumnValue | 'cursor' | ListGap;

/** A list of the row whose sid is the column at `sidPlace`. */
export interface ListGap {
  readonly sidPlace: number;
  readonly list: PagePlan;
  /** The response keys that lead from the row to the list: of its node, and its own. */
  readonly path: readonly string[];
}
