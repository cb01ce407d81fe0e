import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countingFetch } from './cached-list.ts';
import { ClientsGateway } from './gateway.ts';

// urql's Accept prefers JSON and ends with event streams: it expects every answer of a query as JSON, errors too.

let gateway: ClientsGateway;
beforeAll(async () => {
  gateway = await ClientsGateway.start();
});
afterAll(() => gateway.close());

test.each([true, false])('urql shows an error of a query as one, whether it prefers GET (%s) or not', async (preferGetMethod) => {
  const { fetch } = countingFetch(gateway, 'query');
  const client = new Client({ url: `${gateway.url}/graphql`, preferGetMethod, exchanges: [fetchExchange], fetch });
  const { error } = await client.query('{ nothing }', {});
  expect(error?.graphQLErrors[0]?.message).toContain('nothing');
  expect(error?.networkError?.message).toBeUndefined();
});

test.each([true, false])(
  'urql runs persisted queries with its default options, whether by GET (%s) or not',
  async (preferGetForPersistedQueries) => {
    const { fetch } = countingFetch(gateway, 'query');
    const exchanges = [persistedExchange({ preferGetForPersistedQueries }), fetchExchange];
    const client = new Client({ url: `${gateway.url}/graphql`, preferGetMethod: false, exchanges, fetch });
    for (const first of [1, 2]) {
      const { data, error } = await client.query('query ($first: Int) { mappings(first: $first) { nodes { name } } }', { first });
      expect(error?.message).toBeUndefined();
      expect(data.mappings.nodes).toHaveLength(first);
    }
  },
);
