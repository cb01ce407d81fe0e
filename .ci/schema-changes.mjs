// Compares schema/schema.graphql with the last release's (docs/versions.md), by graphql-inspector, which is installed for this only:
//
//   node .ci/schema-changes.mjs <directory in which @graphql-inspector/core is installed>

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const RELEASED = 'schema/released.graphql';

/**
 * Says what a release with these changes means for clients.
 * @param {readonly { criticality: { level: string }, message: string }[]} changes
 * @param {string} version the package's
 * @returns {{ lines: string[], isAllowed: boolean }} before 1.0, breaking changes are listed, but allowed
 */
export function verdict(changes, version) {
  const order = ['BREAKING', 'DANGEROUS', 'NON_BREAKING'];
  const lines = [...changes]
    .sort((a, b) => order.indexOf(a.criticality.level) - order.indexOf(b.criticality.level))
    .map(({ criticality, message }) => `${criticality.level}: ${message}`);
  const isBreaking = changes.some(({ criticality }) => criticality.level === 'BREAKING');
  return { lines, isAllowed: !isBreaking || version.startsWith('0.') };
}

async function main(directory) {
  if (!existsSync(RELEASED)) return console.log(`No release yet: there is no ${RELEASED} to compare the schema with.`);
  const require = createRequire(join(directory, 'package.json'));
  const { diff } = require('@graphql-inspector/core');
  const { buildSchema } = require('graphql');
  const [before, now] = [RELEASED, 'schema/schema.graphql'].map((file) => buildSchema(readFileSync(file, 'utf8')));
  const { lines, isAllowed } = verdict(await diff(before, now), JSON.parse(readFileSync('package.json', 'utf8')).version);
  console.log(lines.length > 0 ? `The schema since the last release:\n${lines.join('\n')}` : 'The schema is that of the last release.');
  if (!isAllowed) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv[2] ?? '.');
