import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import type { Selection } from '../src/domain/lists/keyset.ts';
import type { GraphContext } from './context.ts';

/** The `extensions` of a computed field: the columns of its row that it needs. A list that selects a computed field without them reads whole rows. */
export const needs = (...columns: string[]) => ({ columns });

/** The `extensions` of a list that passes `shown` to its domain function: its pages may be read packed (src/execution/plans.ts). */
export const packable = { packable: true };

/** Returns what a list must read for this selection: packed rows if the document is answered from them, otherwise columns. */
export function shown(info: GraphQLResolveInfo, packed: GraphContext['packed']): Selection {
  const fields = info.fieldNodes[0] && packed?.get(info.fieldNodes[0]);
  return fields ? { packed: fields } : { fields: shownColumns(info) };
}

/**
 * The key under which a nested list's pages are read in one batch. Packed pages have another key than others: a document that turns out not to be
 * answerable from packed rows runs again with the same loaders.
 */
export const batchKey = ({ fieldNodes }: GraphQLResolveInfo, packed: GraphContext['packed']): object => {
  const node = fieldNodes[0] as FieldNode;
  return packed?.get(node) ?? node;
};

/** The columns of each list's selection, kept because a document runs many times. `null`: the whole row. */
const columnsByNode = new WeakMap<FieldNode, readonly string[] | null>();

/**
 * Returns the columns of its rows that a connection's selection needs.
 * @returns undefined if the whole row is needed
 */
function shownColumns({ fieldNodes, fragments, returnType, schema }: GraphQLResolveInfo): readonly string[] | undefined {
  const [node] = fieldNodes;
  if (!node || fieldNodes.length > 1) return undefined;
  let columns = columnsByNode.get(node);
  if (columns === undefined) {
    const collected = new Set<string>(['sid']);
    const isComplete = walk(node.selectionSet, getNamedType(returnType) as GraphQLObjectType, (type, selected) => {
      if (type.name.endsWith('Connection')) return selected.name.value === 'nodes' || selected.name.value === 'edges' ? 'inside' : 'known';
      if (type.name.endsWith('Edge')) return selected.name.value === 'node' ? 'inside' : 'known';
      return collectColumns(type, selected.name.value, collected);
    });
    columns = isComplete ? [...collected].sort() : null;
    columnsByNode.set(node, columns);
  }
  return columns ?? undefined;

  /** @returns whether every selected field is `known`; the fields of one that is `inside` are visited instead */
  function walk(
    selectionSet: SelectionSetNode | undefined,
    type: GraphQLObjectType,
    visit: (type: GraphQLObjectType, field: FieldNode) => 'known' | 'unknown' | 'inside',
  ): boolean {
    return (selectionSet?.selections ?? []).every((selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return walk(fragments[selection.name.value]?.selectionSet, type, visit);
      if (selection.kind === Kind.INLINE_FRAGMENT) return walk(selection.selectionSet, type, visit);
      const verdict = visit(type, selection);
      if (verdict !== 'inside') return verdict === 'known';
      const inner = getNamedType(type.getFields()[selection.name.value]?.type ?? schema.getQueryType());
      return isObjectType(inner) && walk(selection.selectionSet, inner, visit);
    });
  }
}

/**
 * Adds the columns that one field of a row needs.
 * @returns `unknown` if the field does not say which
 */
function collectColumns(type: GraphQLObjectType, name: string, collected: Set<string>): 'known' | 'unknown' {
  // The global id is encoded from the sid, which is always read.
  if (name === '__typename' || name === 'id') return 'known';
  const { pothosExposedField, columns } = (type.getFields()[name]?.extensions ?? {}) as { pothosExposedField?: string; columns?: string[] };
  if (pothosExposedField) collected.add(pothosExposedField);
  else if (columns) for (const column of columns) collected.add(column);
  else return 'unknown';
  return 'known';
}
