import { isAbstractType, lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from './index.ts';

/** The schema as text (SDL): sorted, with all descriptions. */
export const printSdl = () => `${printSchema(lexicographicSortSchema(schema))}\n`;

/** The object types of each interface and union, as JSON: Apollo's cache needs them for fragments on an interface, and cannot know them. */
export function printPossibleTypes(): string {
  const sorted = lexicographicSortSchema(schema);
  const abstract = Object.values(sorted.getTypeMap()).filter(isAbstractType);
  const pairs = abstract.map((type) => [type.name, sorted.getPossibleTypes(type).map(({ name }) => name)]);
  return `${JSON.stringify(Object.fromEntries(pairs), null, 2)}\n`;
}
