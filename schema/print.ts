import { writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from './index.ts';

/** The SDL in schema.graphql: sorted, with all descriptions. */
export const printed = () => `${printSchema(lexicographicSortSchema(schema))}\n`;

if (process.argv[1] === import.meta.filename) writeFileSync(new URL('schema.graphql', import.meta.url), printed());
