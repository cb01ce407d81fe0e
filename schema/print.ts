import { writeFileSync } from 'node:fs';
import { printPossibleTypes, printSdl } from './files.ts';

/** The SDL in schema.graphql. */
export const printed = printSdl;

if (process.argv[1] === import.meta.filename) {
  writeFileSync(new URL('schema.graphql', import.meta.url), printSdl());
  writeFileSync(new URL('possibleTypes.json', import.meta.url), printPossibleTypes());
}
