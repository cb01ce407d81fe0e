import { parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import { examples } from '../../src/graph/graphiql-examples.ts';

test('the examples are valid, and there is one of each kind of operation', () => {
  const documents = examples.map(({ query }) => parse(query));
  expect(documents.flatMap((document) => validate(schema, document))).toEqual([]);
  const kinds = documents.flatMap(({ definitions }) => definitions.map((each) => 'operation' in each && each.operation));
  expect(new Set(kinds)).toEqual(new Set(['query', 'mutation', 'subscription']));
});
