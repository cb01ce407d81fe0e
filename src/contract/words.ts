import type { BodyField } from './operations/operation.ts';

/**
 * Writes an error's message with the contract's names of body fields where the graph's differ.
 * @param prefix the path of the object that has the fields, with its final dot
 */
export function inContractWords(message: string, fields: readonly BodyField[] = [], prefix = ''): string {
  let text = message;
  for (const { name, graphName, fields: inner } of fields) {
    if (graphName) text = text.replace(new RegExp(`\\b${prefix}${graphName}\\b`.replaceAll('.', '\\.'), 'g'), prefix + name);
    text = inContractWords(text, inner, `${prefix}${name}.`);
  }
  return text;
}
