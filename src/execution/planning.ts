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
import { type DocumentPlan, PAGE_INFO, type PagePart, type PagePlan } from './plans.ts';
import { RowPlanning, Unplannable } from './row-planning.ts';

/** What Pothos tells of a field, or a type. */
interface PothosField {
  readonly pothosOriginalResolve?: GraphQLFieldResolver<unknown, unknown>;
  readonly pothosOptions?: { readonly authScopes?: object };
  readonly pothosArgMappers?: readonly unknown[];
}

/**
 * Plans a query of nothing but lists, and lists in them, whose rows show nothing but their columns: the common page. What any other field needs, a
 * resolver of its own or a permission, is the general way's.
 * @param document a valid one
 * @returns undefined for all others
 */
export function planDocument(schema: GraphQLSchema, document: DocumentNode, operationName?: string): DocumentPlan | undefined {
  const operation = getOperationAST(document, operationName);
  const query = schema.getQueryType();
  if (operation?.operation !== 'query' || !query) return undefined;
  try {
    return new Planning(schema, document).plan(operation, query);
  } catch (error) {
    if (error instanceof Unplannable) return undefined;
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
    if (operation.directives?.length) throw new Unplannable();
    const pages = this.#selected(operation.selectionSet, query).map(([key, node]) => this.#page(key, node, query));
    const permissions = [...this.#permissions];
    return { schema: this.#schema, operation, fragments: this.#fragments, pages, permissions, packed: this.#packed };
  }

  /** What is selected of a type, by response keys, in the order of the answer. */
  #selected(
    selectionSet: SelectionSetNode | undefined,
    type: GraphQLObjectType,
    found = new Map<string, FieldNode>(),
  ): [string, FieldNode][] {
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.directives?.length) throw new Unplannable();
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        // Of a field that is selected twice, the selections would have to be merged.
        if (found.get(key)?.selectionSet) throw new Unplannable();
        if (!found.has(key)) found.set(key, selection);
        continue;
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? this.#fragments[selection.name.value] : selection;
      if (fragment && this.#isOf(type, fragment.typeCondition?.name.value)) this.#selected(fragment.selectionSet, type, found);
    }
    return [...found];
  }

  #isOf(type: GraphQLObjectType, condition: string | undefined): boolean {
    if (condition === undefined || condition === type.name) return true;
    const wider = this.#schema.getType(condition);
    return isAbstractType(wider) && this.#schema.isSubType(wider, type);
  }

  #page(key: string, node: FieldNode, parentType: GraphQLObjectType): PagePlan {
    const field = parentType.getFields()[node.name.value];
    if (!field?.extensions.packable) throw new Unplannable();
    const resolve = this.#resolverOf(field, parentType);
    const type = getNamedType(field.type) as GraphQLObjectType;
    const parts: PagePart[] = [];
    let row: RowPlanning | undefined;
    let separator = '{';
    for (const [name, selected] of this.#selected(node.selectionSet, type)) {
      say(parts, `${separator}"${name}":`);
      separator = ',';
      switch (selected.name.value) {
        case '__typename':
          say(parts, `"${type.name}"`);
          break;
        case 'totalCount':
          parts.push('totalCount');
          break;
        case 'pageInfo':
          this.#pageInfo(selected, parts);
          break;
        case 'nodes':
        case 'edges':
          if (row) throw new Unplannable();
          row = new RowPlanning();
          this.#object(row, selected, getNamedType(type.getFields()[selected.name.value]?.type) as GraphQLObjectType);
          say(parts, '[');
          parts.push('rows');
          say(parts, ']');
          break;
        default:
          throw new Unplannable();
      }
    }
    say(parts, '}');
    row ??= new RowPlanning();
    const ordered = row.gaps.includes('cursor') || parts.includes('startCursor') || parts.includes('endCursor');
    this.#packed.set(node, { fields: row.settle(), ordered, counted: parts.includes('totalCount') });
    return { key, node, field, resolve, parentType, parts, row };
  }

  /**
   * The resolver without what Pothos puts about it. That checks permissions, which is done once for the whole document here: of all its forms, only the
   * one that the type Query has is understood.
   */
  #resolverOf({ extensions }: GraphQLField<unknown, unknown>, parentType: GraphQLObjectType): GraphQLFieldResolver<unknown, unknown> {
    const { pothosOriginalResolve, pothosOptions, pothosArgMappers } = extensions as PothosField;
    const scopes = (parentType.extensions as PothosField).pothosOptions?.authScopes ?? {};
    const { permission, ...others }: Record<string, unknown> = typeof scopes === 'object' ? { ...scopes } : { other: scopes };
    const isUnderstood = Object.keys(others).length === 0 && pothosOptions?.authScopes === undefined && !pothosArgMappers?.length;
    if (!isUnderstood || !pothosOriginalResolve) throw new Unplannable();
    if (typeof permission === 'string') this.#permissions.add(permission);
    return pothosOriginalResolve;
  }

  #pageInfo(node: FieldNode, parts: PagePart[]): void {
    const type = this.#schema.getType('PageInfo') as GraphQLObjectType;
    let separator = '{';
    for (const [key, { name }] of this.#selected(node.selectionSet, type)) {
      say(parts, `${separator}"${key}":`);
      separator = ',';
      const field = PAGE_INFO.find((known) => known === name.value);
      if (field) parts.push(field);
      else say(parts, `"${type.name}"`);
    }
    say(parts, '}');
  }

  /** A row, or the edge that it is shown in. */
  #object(row: RowPlanning, { selectionSet }: FieldNode, type: GraphQLObjectType): void {
    const isEdge = type.name.endsWith('Edge');
    let separator = '{';
    for (const [key, node] of this.#selected(selectionSet, type)) {
      row.say(`${separator}"${key}":`);
      separator = ',';
      const name = node.name.value;
      const field = type.getFields()[name];
      if (name === '__typename') row.say(`"${type.name}"`);
      else if (isEdge && name === 'cursor') row.leave('cursor');
      else if (isEdge && name === 'node') this.#object(row, node, getNamedType(field?.type) as GraphQLObjectType);
      else if (field?.extensions.packable) row.list(this.#page(key, node, type));
      else row.show(type, field);
    }
    row.say('}');
  }
}

function say(parts: PagePart[], text: string): void {
  const before = parts.at(-1);
  if (typeof before === 'object') parts[parts.length - 1] = { text: before.text + text };
  else parts.push({ text });
}
