import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isAbstractType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Packing } from '../database/lists/packed.ts';
import { type DocumentPlan, PAGE_INFO, type PageGap, type PagePlan, type RowGap } from './plans.ts';
import { isPackable, unwrapped } from './pothos.ts';
import { RowPlanning, UnplannableError } from './row-planning.ts';
import { TemplateBuilder } from './template.ts';
import type { ColumnValue, ListValues } from './values.ts';

/**
 * Plans a query that selects only lists, perhaps nested, and only columns of their rows: the common page. Fields with a resolver or a permission of
 * their own need the general path.
 * @param document must be valid
 * @returns `undefined` for all other documents
 */
export function planDocument(schema: GraphQLSchema, document: DocumentNode, operationName?: string): DocumentPlan | undefined {
  const operation = getOperationAST(document, operationName);
  const query = schema.getQueryType();
  if (operation?.operation !== 'query' || !query) return undefined;
  try {
    return new Planning(schema, document).plan(operation, query);
  } catch (error) {
    if (error instanceof UnplannableError) return undefined;
    throw error;
  }
}

class Planning {
  readonly #schema: GraphQLSchema;
  readonly #fragments: Record<string, FragmentDefinitionNode> = {};
  readonly #packed = new Map<FieldNode, Packing>();
  readonly #permissions = new Set<string>();

  constructor(schema: GraphQLSchema, { definitions }: DocumentNode) {
    this.#schema = schema;
    for (const definition of definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments[definition.name.value] = definition;
    }
  }

  plan(operation: OperationDefinitionNode, query: GraphQLObjectType): DocumentPlan {
    if (operation.directives?.length) throw new UnplannableError();
    const pages = this.#selected(operation.selectionSet, query).map(([key, node]) => this.#page(key, node, query));
    const permissions = [...this.#permissions];
    return { schema: this.#schema, operation, fragments: this.#fragments, pages, permissions, packed: this.#packed };
  }

  /** Collects the selected fields of a type by their response keys, in the order of the response. */
  #selected(
    selectionSet: SelectionSetNode | undefined,
    type: GraphQLObjectType,
    found = new Map<string, FieldNode>(),
  ): [string, FieldNode][] {
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.directives?.length) throw new UnplannableError();
      if (selection.kind === Kind.FIELD) {
        const key = keyOf(selection);
        // The selections of a field that is selected twice would have to be merged.
        if (found.get(key)?.selectionSet) throw new UnplannableError();
        if (!found.has(key)) found.set(key, selection);
        continue;
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? this.#fragments[selection.name.value] : selection;
      if (fragment && this.#applies(fragment.typeCondition?.name.value, type)) this.#selected(fragment.selectionSet, type, found);
    }
    return [...found];
  }

  /** Whether a fragment with this type condition applies to the type. */
  #applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const wider = this.#schema.getType(condition);
    return isAbstractType(wider) && this.#schema.isSubType(wider, type);
  }

  #page(key: string, node: FieldNode, parentType: GraphQLObjectType): PagePlan {
    const field = parentType.getFields()[node.name.value];
    if (!field || !isPackable(field)) throw new UnplannableError();
    const resolve = this.#resolverOf(field, parentType);
    const type = getNamedType(field.type) as GraphQLObjectType;
    const page = new TemplateBuilder<PageGap>();
    const row = new RowPlanning();
    let rowsKey: string | undefined;
    page.object(this.#selected(node.selectionSet, type), (selected) => {
      const name = selected.name.value;
      if (name === '__typename') page.write(`"${type.name}"`);
      else if (name === 'totalCount' || name === 'totalCountIsExact') page.leave(name);
      else if (name === 'pageInfo') this.#pageInfo(selected, page);
      else if ((name === 'nodes' || name === 'edges') && rowsKey === undefined) {
        rowsKey = keyOf(selected);
        this.#row(row, selected, getNamedType(type.getFields()[name]?.type) as GraphQLObjectType);
        page.write('[');
        page.leave('rows');
        page.write(']');
      } else throw new UnplannableError();
    });
    const { gaps } = page;
    const ordered = row.gaps.includes('cursor') || gaps.includes('startCursor') || gaps.includes('endCursor');
    this.#packed.set(node, { fields: row.settle(), ordered, counted: gaps.includes('totalCount') || gaps.includes('totalCountIsExact') });
    const isNested = row.gaps.some((gap) => typeof gap === 'object' && 'list' in gap);
    return { key, node, field, resolve, parentType, page, row, rowsKey, isNested, values: this.#values(node, type, row) };
  }

  /** Returns the members of a list that selects only columns of its nodes, and its totals; `undefined` for any other. */
  #values(node: FieldNode, type: GraphQLObjectType, { gaps }: RowPlanning): ListValues | undefined {
    const members: ListValues['members'][number][] = [];
    let columns: ListValues['columns'] = [];
    for (const [key, selected] of this.#selected(node.selectionSet, type)) {
      const name = selected.name.value;
      if (name === 'totalCount' || name === 'totalCountIsExact') members.push([key, name]);
      else if (name === 'nodes') {
        const keys = this.#selected(selected.selectionSet, getNamedType(type.getFields().nodes?.type) as GraphQLObjectType);
        columns = keys.flatMap(([column], at) => (isColumn(gaps[at]) ? [[column, gaps[at]] as const] : []));
        // Type names and lists have no column.
        if (columns.length < keys.length) return undefined;
        members.push([key, 'rows']);
      } else return undefined;
    }
    return { members, columns };
  }

  /** Returns the list's own resolver. Pothos' wrapper checks permissions; the plan does that once for the whole document instead. */
  #resolverOf(field: GraphQLField<unknown, unknown>, parentType: GraphQLObjectType): GraphQLFieldResolver<unknown, unknown> {
    const { resolve, permission } = unwrapped(field, parentType) ?? {};
    if (!resolve) throw new UnplannableError();
    if (permission !== undefined) this.#permissions.add(permission);
    return resolve;
  }

  #pageInfo(node: FieldNode, page: TemplateBuilder<PageGap>): void {
    const type = this.#schema.getType('PageInfo') as GraphQLObjectType;
    page.object(this.#selected(node.selectionSet, type), ({ name }) => {
      const field = PAGE_INFO.find((known) => known === name.value);
      if (field) page.leave(field);
      else page.write(`"${type.name}"`);
    });
  }

  /**
   * Adds the members of a row, or of an edge and its row.
   * @param path the response keys that lead from the row to these members
   */
  #row(row: RowPlanning, { selectionSet }: FieldNode, type: GraphQLObjectType, path: readonly string[] = []): void {
    const isEdge = type.name.endsWith('Edge');
    const members = this.#selected(selectionSet, type).map(([key, node]) => [key, { key, node }] as const);
    row.object(members, ({ key, node }) => {
      const name = node.name.value;
      const field = type.getFields()[name];
      if (name === '__typename') row.write(`"${type.name}"`);
      else if (isEdge && name === 'cursor') row.leave('cursor');
      else if (isEdge && name === 'node') this.#row(row, node, getNamedType(field?.type) as GraphQLObjectType, [...path, key]);
      else if (field && isPackable(field)) row.list(this.#page(key, node, type), [...path, key]);
      else row.column(type, field);
    });
  }
}

const keyOf = ({ alias, name }: FieldNode): string => (alias ?? name).value;

const isColumn = (gap: RowGap | undefined): gap is ColumnValue => typeof gap === 'object' && 'form' in gap;
