import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { overLimit } from './limit-errors.ts';

/**
 * The most objects that an operation may ask for, by the sizes of its pages. A page of 100 enterprises, each with its bot, its admin and a page
 * of 20 mappings, is 2,401; 100 in each of 100 is 10,201.
 */
export const MAX_COST = 5000;

/** Taken for a list whose length nobody can tell: a message has five or six events. */
const PLAIN_LIST = 10;
/** Of a connection without `first` and `last`, as schema/lists.ts has it. */
const DEFAULT_PAGE = 20;
/** Nobody gets more: whoever asks for more alone is told so by the list itself. */
const LARGEST_PAGE = 1000;
/** For each field of introspection, whose lists are long and cheap. The introspection query of common tools has 210. */
const INTROSPECTION = 10;

type Variables = Readonly<Record<string, unknown>> | null | undefined;

/** A selection set, and the type that its fields are of. */
type Part = readonly [typeName: string, selectionSet: SelectionSetNode];

/** Fields of one response key: they are executed as one. */
type Group = { readonly field: GraphQLField<unknown, unknown>; readonly node: FieldNode }[];

/** The error of an operation that asks for more than `MAX_COST` objects. For a document that is valid; its variables may be wrong. */
export function costErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables,
): readonly GraphQLError[] {
  const cost = costOf(schema, document, operationName, variables);
  return cost > MAX_COST ? [overLimit('cost', MAX_COST, cost, 'objects to answer, by the sizes of its pages')] : [];
}

/** How many objects an operation may answer at most. What `@skip` and `@include` leave out counts, and so does each member of a union. */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables,
): number {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  // Execution says what is wrong with it.
  if (!operation || !root) return 0;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const defaults = new Map(operation.variableDefinitions?.map(({ variable, defaultValue }) => [variable.name.value, defaultValue]));
  let introspected = 0;

  /** What an argument is, where that can be told. */
  function argument(node: FieldNode, name: string): unknown {
    const value = node.arguments?.find((one) => one.name.value === name)?.value;
    if (value?.kind !== Kind.VARIABLE) return plain(value);
    const variable = value.name.value;
    const given = variables && Object.hasOwn(variables, variable) ? variables[variable] : undefined;
    return given ?? plain(defaults.get(variable));
  }

  /** A negative one, which the list itself refuses, takes nothing off the rest. */
  function pageSize({ node }: Group[number]): number {
    const asked = [argument(node, 'first'), argument(node, 'last')].filter((size) => typeof size === 'number');
    return Math.min(asked.length > 0 ? Math.max(0, ...asked) : DEFAULT_PAGE, LARGEST_PAGE);
  }

  function listSize({ field, node }: Group[number]): number {
    if (!field.args.some(({ name }) => name === 'ids')) return PLAIN_LIST;
    const ids = argument(node, 'ids');
    return Array.isArray(ids) ? ids.length : 1;
  }

  /** @param page the size of the page that these are the fields of, where they are a connection's */
  function cost(parts: readonly Part[], page?: number): number {
    const groups = new Map<string, Group>();
    for (const part of parts) collect(part, groups);
    let sum = 0;
    for (const group of groups.values()) {
      const inner = group.flatMap(({ field, node }): Part[] =>
        node.selectionSet ? [[getNamedType(field.type).name, node.selectionSet]] : [],
      );
      if (inner.length === 0) continue;
      if (group.some(({ field }) => isConnection(field))) sum += 1 + cost(inner, Math.max(...group.map(pageSize)));
      else if (group.some(({ field }) => isListType(getNullableType(field.type)))) {
        sum += (page ?? Math.max(...group.map(listSize))) * (1 + cost(inner));
      } else sum += 1 + cost(inner);
    }
    return sum;
  }

  function collect([typeName, selectionSet]: Part, groups: Map<string, Group>): void {
    for (const selection of selectionSet.selections) {
      if (selection.kind !== Kind.FIELD) {
        const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
        if (inner) collect([inner.typeCondition?.name.value ?? typeName, inner.selectionSet], groups);
        continue;
      }
      const name = selection.name.value;
      if (name === '__schema' || name === '__type') introspected += countFields(selection.selectionSet);
      const type = schema.getType(typeName);
      const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
      if (!field) continue;
      const key = selection.alias?.value ?? name;
      const group = groups.get(key);
      if (group) group.push({ field, node: selection });
      else groups.set(key, [{ field, node: selection }]);
    }
  }

  function countFields(selectionSet: SelectionSetNode | undefined): number {
    return (selectionSet?.selections ?? []).reduce((count, selection) => {
      if (selection.kind === Kind.FIELD) return count + 1 + countFields(selection.selectionSet);
      const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      return count + countFields(inner?.selectionSet);
    }, 0);
  }

  return cost([[root.name, operation.selectionSet]]) + introspected * INTROSPECTION;
}

const isConnection = ({ args }: GraphQLField<unknown, unknown>) => args.some(({ name }) => name === 'first');

/** Numbers, and lists for their length. */
function plain(value: ValueNode | undefined): unknown {
  if (value?.kind === Kind.INT) return Number(value.value);
  return value?.kind === Kind.LIST ? value.values : undefined;
}
