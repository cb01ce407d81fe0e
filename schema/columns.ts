import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import type { Shown } from '../src/domain/lists/keyset.ts';
import type { GraphContext } from './context.ts';

/** What a list's field that isn't one column needs of its row: to be given as a field's `extensions`. Without it, the whole row is read. */
export const needs = (...columns: string[]) => ({ columns });

/** For the field of a list that reads what `shown` says: its pages may be packed (src/http/page-plans.ts). */
export const packable = { packable: true };

/** What a list's field reads of its rows: packed ones, where the request is answered from such, else their columns. */
export function shown(info: GraphQLResolveInfo, packed: GraphContext['packed']): Shown {
  const fields = info.fieldNodes[0] && packed?.get(info.fieldNodes[0]);
  return fields ? { packed: fields } : { fields: shownColumns(info) };
}

/**
 * By what a nested list's pages are read together: those that are packed apart from the others, for a document that can't be answered from packed rows
 * is run again with the same loaders.
 */
export const pagesKey = ({ fieldNodes }: GraphQLResolveInfo, packed: GraphContext['packed']): object => {
  const node = fieldNodes[0] as FieldNode;
  return packed?.get(node) ?? node;
};

/** By the field's node: a document is run many times. */
const known = new WeakMap<FieldNode, readonly string[] | null>();

/**
 * The columns that a connection's field shows of its rows, so that no other is read.
 * @returns undefined where the whole row is needed
 */
function shownColumns({ fieldNodes, fragments, returnType, schema }: GraphQLResolveInfo): readonly string[] | undefined {
  const [node] = fieldNodes;
  if (!node || fieldNodes.length > 1) return undefined;
  let columns = known.get(node);
  if (columns === undefined) {
    const found = new Set<string>(['sid']);
    const complete = walk(node.selectionSet, getNamedType(returnType) as GraphQLObjectType, (type, selected) => {
      if (type.name.endsWith('Connection')) return selected.name.value === 'nodes' || selected.name.value === 'edges' ? 'inside' : 'known';
      if (type.name.endsWith('Edge')) return selected.name.value === 'node' ? 'inside' : 'known';
      return rowColumns(type, selected.name.value, found);
    });
    columns = complete ? [...found].sort() : null;
    known.set(node, columns);
  }
  return columns ?? undefined;

  /** Whether all that is selected is known. */
  function walk(
    selectionSet: SelectionSetNode | undefined,
    type: GraphQLObjectType,
    look: (type: GraphQLObjectType, field: FieldNode) => 'known' | 'unknown' | 'inside',
  ): boolean {
    return (selectionSet?.selections ?? []).every((selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return walk(fragments[selection.name.value]?.selectionSet, type, look);
      if (selection.kind === Kind.INLINE_FRAGMENT) return walk(selection.selectionSet, type, look);
      const seen = look(type, selection);
      if (seen !== 'inside') return seen === 'known';
      const inner = getNamedType(type.getFields()[selection.name.value]?.type ?? schema.getQueryType());
      return isObjectType(inner) && walk(selection.selectionSet, inner, look);
    });
  }
}

/** Adds what one field of a row needs. */
function rowColumns(type: GraphQLObjectType, name: string, found: Set<string>): 'known' | 'unknown' {
  // The global id is made of the sid, which is always read.
  if (name === '__typename' || name === 'id') return 'known';
  const { pothosExposedField, columns } = (type.getFields()[name]?.extensions ?? {}) as { pothosExposedField?: string; columns?: string[] };
  if (pothosExposedField) found.add(pothosExposedField);
  else if (columns) for (const column of columns) found.add(column);
  else return 'unknown';
  return 'known';
}
