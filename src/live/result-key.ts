import { createHash } from 'node:crypto';
import { type ASTNode, type DocumentNode, Kind, visit } from 'graphql';
import type { Caller } from '../domain/caller.ts';

/** The inputs of a subscription's results, apart from the updates. */
export interface ResultInputs {
  readonly document: DocumentNode;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly caller: Caller;
}

/**
 * Computes a key that is equal for subscriptions whose results are equal. The arguments of the subscription field itself do not count: they
 * decide where it begins and which events pass, which does not change a result.
 */
export function resultKeyOf({ document, operationName, variables, caller }: ResultInputs): string {
  const used = variablesInResults(document);
  const kept = Object.entries(variables ?? {}).filter(([name]) => used.has(name));
  const rights = [caller.organizationSid, caller.accountSid, caller.adminSid, caller.enterpriseSid, ...[...caller.permissions].sort()];
  return createHash('sha256')
    .update(JSON.stringify([rights, operationName, kept, document.loc?.source.body]))
    .digest('base64');
}

/** Collects the variables that a document uses, except in the arguments of its root fields. */
function variablesInResults(document: DocumentNode): Set<string> {
  const used = new Set<string>();
  const within = (node: ASTNode | undefined) => {
    if (node) visit(node, { Variable: ({ name }) => void used.add(name.value) });
  };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) {
      within(definition);
      continue;
    }
    for (const selection of definition.selectionSet.selections) {
      if (selection.kind !== Kind.FIELD) within(selection);
      else for (const node of [selection.selectionSet, ...(selection.directives ?? [])]) within(node);
    }
  }
  return used;
}
