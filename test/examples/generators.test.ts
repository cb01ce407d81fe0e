import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isScalarType, isSpecifiedScalarType } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import { packageRoot } from '../../src/database/package-root.ts';

const read = (file: string) => JSON.parse(readFileSync(join(packageRoot(), 'examples', file), 'utf8'));

/** The schema's own scalars: a generator maps them to `any` or `unknown` unless it is configured. */
const scalars = Object.values(schema.getTypeMap()).flatMap((type) =>
  isScalarType(type) && !isSpecifiedScalarType(type) ? [type.name] : [],
);

test('the configurations of code generators map every scalar of the schema', () => {
  expect(scalars).toContain('DateTime');
  const { scalars: ofCodegen } = read('codegen/codegen.json').generates['src/gql/'].config;
  const { customScalarTypes: ofRelay } = read('relay/relay.config.json');
  for (const scalar of scalars) expect([ofCodegen[scalar], ofRelay[scalar]]).toEqual(['string', 'string']);
  expect(ofCodegen.ID).toBe('string');
});
