import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  type GraphQLError,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  type InlineFragmentNode,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { DEFAULT_PAGE_SIZE, MAX_LARGE_PAGE_SIZE } from '../../domain/lists/keyset.ts';
import { overLimit } from './limit-errors.ts';

/**
 * The most objects that an operation may request, counted by the sizes of its pages. A page of 100 enterprises, each with its bot, its admin and a page
 * of 20 mappings, is 2,401; 100 in each of 100 is 10,201.
 */
export const MAX_COST = 5000;

/** For a total of messages, which reads up to 100,000 rows; those within many parents share these. */
const TOTAL_COST = 1;
/** How many rows that an offset skips cost as much as an object. */
const SKIPPED_PER_OBJECT = 1000;
/** For an offset beyond the bound of lists, which is refused without reading. */
const MAX_SKIP_COST = 100;
/** The lists that can be long, and what a page costs: one of the event log looks at up to 5,000 events. */
const SCANNED: ReadonlyMap<string, number> = new Map([
  ['MessageConnection', 0],
  ['MessageEventConnection', 20],
]);
/** Assumed length of a list without pages: a message has five or six events. */
const UNPAGED_LIST_SIZE = 10;
/** For each field of introspection, whose lists are long and cheap. The introspection query of common tools has 210 fields. */
const INTROSPECTION_FIELD_COST = 10;

type OperationVariables = Readonly<Record<string, unknown>> | null | undefined;

/** A selection set, and the type that its fields belong to. */
type TypedSelection = readonly [typeName: string, selectionSet: SelectionSetNode];

type FieldSelection = { readonly field: GraphQLField<unknown, unknown>; readonly node: FieldNode };

/**
 * Checks that a valid operation requests at most `MAX_COST` objects.
 * @param variables may be of the wrong type, which execution reports
 */
export function costErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: OperationVariables,
): readonly GraphQLError[] {
  const cost = costOf(schema, document, operationName, variables);
  return cost > MAX_COST ? [overLimit('cost', MAX_COST, cost, 'objects, by the sizes of its pages')] : [];
}

/**
 * Computes how many objects an operation may return at most. Fields with `@skip` or `@include` count, as do those of every member of a union.
 * @returns 0 if there is no such operation, which execution reports
 */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: OperationVariables,
): number {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  return operation && root ? new OperationCost(schema, document, operation, variables).of(root.name) : 0;
}

class OperationCost {
  readonly #schema: GraphQLSchema;
  readonly #operation: OperationDefinitionNode;
  readonly #variables: OperationVariables;
  readonly #defaults: ReadonlyMap<string, ValueNode | undefined>;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  #introspectionFields = 0;

  constructor(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: OperationVariables) {
    this.#schema = schema;
    this.#operation = operation;
    this.#variables = variables;
    this.#defaults = new Map(operation.variableDefinitions?.map(({ variable, defaultValue }) => [variable.name.value, defaultValue]));
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
    }
  }

  of(rootTypeName: string): number {
    const cost = this.#costOf([[rootTypeName, this.#operation.selectionSet]]);
    return cost + this.#introspectionFields * INTROSPECTION_FIELD_COST;
  }

  /** @param page the page size, if these are the selections of a connection: its lists have that many objects */
  #costOf(selections: readonly TypedSelection[], page?: number): number {
    // By response key: fields with the same key are merged when they are executed.
    const fields = new Map<string, FieldSelection[]>();
    for (const selection of selections) this.#collect(selection, fields);
    let cost = 0;
    for (const merged of fields.values()) {
      const inner = merged.flatMap(({ field, node }): TypedSelection[] =>
        node.selectionSet ? [[getNamedType(field.type).name, node.selectionSet]] : [],
      );
      if (inner.length === 0) continue;
      if (merged.some(isConnection)) {
        cost += 1 + this.#costOf(inner, Math.max(...merged.map(({ node }) => this.#pageSize(node))));
        cost += Math.max(...merged.map((selection) => this.#scanCost(selection, inner)));
      } else if (merged.some(isList)) {
        cost += (page ?? Math.max(...merged.map((selection) => this.#listSize(selection)))) * (1 + this.#costOf(inner));
      } else if (merged.some(isStream)) {
        const burst = Math.max(...merged.map(({ node }) => this.#burst(node)));
        cost += Math.max(1, burst) * (1 + this.#costOf(inner)) + (burst > 0 ? (SCANNED.get('MessageEventConnection') ?? 0) : 0);
      } else cost += 1 + this.#costOf(inner);
    }
    return cost;
  }

  /** What a list of messages or events reads beyond its page. */
  #scanCost({ field, node }: FieldSelection, inner: readonly TypedSelection[]): number {
    const type = getNamedType(field.type).name;
    if (!SCANNED.has(type)) return 0;
    const fields = new Map<string, FieldSelection[]>();
    for (const selection of inner) this.#collect(selection, fields);
    const isCounted = [...fields.values()].flat().some((selection) => selection.field.name.startsWith('totalCount'));
    const offset = this.#argument(node, 'offset');
    const skipped = typeof offset === 'number' ? Math.ceil(Math.max(0, offset) / SKIPPED_PER_OBJECT) : 0;
    return (SCANNED.get(type) as number) + (isCounted ? TOTAL_COST : 0) + Math.min(skipped, MAX_SKIP_COST);
  }

  #collect([typeName, selectionSet]: TypedSelection, fields: Map<string, FieldSelection[]>): void {
    for (const selection of selectionSet.selections) {
      if (selection.kind !== Kind.FIELD) {
        const fragment = this.#fragmentOf(selection);
        if (fragment) this.#collect([fragment.typeCondition?.name.value ?? typeName, fragment.selectionSet], fields);
        continue;
      }
      const name = selection.name.value;
      if (name === '__schema' || name === '__type') this.#introspectionFields += this.#countFields(selection.selectionSet);
      const type = this.#schema.getType(typeName);
      const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
      if (!field) continue;
      const key = selection.alias?.value ?? name;
      const merged = fields.get(key);
      if (merged) merged.push({ field, node: selection });
      else fields.set(key, [{ field, node: selection }]);
    }
  }

  #countFields(selectionSet: SelectionSetNode | undefined): number {
    return (selectionSet?.selections ?? []).reduce((count, selection) => {
      if (selection.kind === Kind.FIELD) return count + 1 + this.#countFields(selection.selectionSet);
      return count + this.#countFields(this.#fragmentOf(selection)?.selectionSet);
    }, 0);
  }

  #fragmentOf(selection: InlineFragmentNode | FragmentSpreadNode): InlineFragmentNode | FragmentDefinitionNode | undefined {
    return selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#fragments.get(selection.name.value);
  }

  /** A negative size must not reduce the cost of the rest. The list itself refuses it, and a size above the maximum. */
  #pageSize(node: FieldNode): number {
    const sizes = [this.#argument(node, 'first'), this.#argument(node, 'last')].filter((size) => typeof size === 'number');
    return Math.min(sizes.length > 0 ? Math.max(0, ...sizes) : DEFAULT_PAGE_SIZE, MAX_LARGE_PAGE_SIZE);
  }

  /** How many events a stream begins with, which are rendered at once. */
  #burst(node: FieldNode): number {
    const last = this.#argument(node, 'last');
    return typeof last === 'number' ? Math.min(Math.max(0, last), MAX_LARGE_PAGE_SIZE) : 0;
  }

  #listSize(selection: FieldSelection): number {
    const { field, node } = selection;
    if (isPaged(selection)) return this.#pageSize(node);
    if (!field.args.some(({ name }) => name === 'ids')) return UNPAGED_LIST_SIZE;
    const ids = this.#argument(node, 'ids');
    return Array.isArray(ids) ? ids.length : 1;
  }

  /** An argument's value, if it is a number or a list. */
  #argument(node: FieldNode, name: string): unknown {
    const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
    if (value?.kind !== Kind.VARIABLE) return literalOf(value);
    const variable = value.name.value;
    const given = this.#variables && Object.hasOwn(this.#variables, variable) ? this.#variables[variable] : undefined;
    return given ?? literalOf(this.#defaults.get(variable));
  }
}

const isPaged = ({ field }: FieldSelection) => field.args.some(({ name }) => name === 'first');
const isConnection = (selection: FieldSelection) => isPaged(selection) && !isList(selection);

/** A subscription that may begin with the newest events. */
const isStream = ({ field }: FieldSelection) => field.args.some(({ name }) => name === 'last');

const isList = ({ field }: FieldSelection) => isListType(getNullableType(field.type));

/** The value of an integer literal; the nodes of a list literal, whose number counts; `undefined` for others. */
function literalOf(value: ValueNode | undefined): unknown {
  if (value?.kind === Kind.INT) return Number(value.value);
  return value?.kind === Kind.LIST ? value.values : undefined;
}
