import { readFileSync } from 'node:fs';
import * as apollo4 from '@apollo/client';
import { GraphQLWsLink as GraphQLWsLink4 } from '@apollo/client/link/subscriptions';
import { relayStylePagination as relayStylePagination4 } from '@apollo/client/utilities';
import * as apollo3 from 'apollo-client-3/core';
import { GraphQLWsLink as GraphQLWsLink3 } from 'apollo-client-3/link/subscriptions';
import { relayStylePagination as relayStylePagination3 } from 'apollo-client-3/utilities';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
// @ts-expect-error: plain JavaScript
import { parts } from '../../examples/apollo/parts.mjs';
// @ts-expect-error: plain JavaScript
import { possibleTypes } from '../../examples/apollo/possible-types.mjs';
import { countingFetch, keepsItsListRight, type Result } from './cached-list.ts';
import { CREATE, DELETE, EVENTS, LIST, UPDATE } from './documents.ts';
import { survivesRestart, type Update } from './events.ts';
import { ClientsGateway } from './gateway.ts';
import { pairsOf, withIds } from './parts.ts';
import { connectSocket } from './socket.ts';

// Browsers and Node 22 have one of their own, which Apollo Client 3 expects.
globalThis.WebSocket ??= WebSocket as never;

let gateway: ClientsGateway;
beforeAll(async () => {
  gateway = await ClientsGateway.start();
});
afterAll(() => gateway.close());

interface Edge {
  readonly cursor: string;
  readonly node: { readonly id: string; readonly name: string };
}
interface List {
  readonly mappings: { readonly edges: readonly Edge[]; readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string } };
}

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const [, MUTATION = ''] = /```graphql\n(mutation \{\n {2}createEnterprise[^`]*)```/.exec(readme) ?? [];

const versions = [
  { version: 3, apollo: apollo3 as unknown as typeof apollo4, GraphQLWsLink: GraphQLWsLink3 as unknown as typeof GraphQLWsLink4 },
  { version: 4, apollo: apollo4, GraphQLWsLink: GraphQLWsLink4 },
];

describe.each(versions)('Apollo Client $version', ({ version, apollo, GraphQLWsLink }) => {
  const { ApolloClient, HttpLink, InMemoryCache, gql } = apollo;
  const relayStylePagination = version === 3 ? (relayStylePagination3 as unknown as typeof relayStylePagination4) : relayStylePagination4;

  test('pages through a list; its cache is right after changes and refusals', async () => {
    const { fetch, requests } = countingFetch(gateway, 'query Mappings');
    const cache = new InMemoryCache({
      possibleTypes,
      typePolicies: { Query: { fields: { mappings: relayStylePagination(['orderBy']) } } },
    });
    const client = new ApolloClient({ link: new HttpLink({ uri: `${gateway.url}/graphql`, fetch }), cache });
    const query = { query: gql(LIST), variables: { first: 3 } };
    const mutate = async (mutation: string, input: object, update?: (created: Record<string, never>) => void): Promise<Result> => {
      const { data } = await client.mutate({
        ...{ mutation: gql(mutation), variables: { input } },
        update: (_cache, result) => update?.(Object.values(result.data as object)[0]),
      });
      return Object.values(data as object)[0] as Result;
    };

    await keepsItsListRight(gateway, {
      requests,
      load: async () => {
        const list = client.watchQuery<List>(query);
        list.subscribe({});
        let { data } = (await client.query(query)) as { data: List };
        while (data.mappings.pageInfo.hasNextPage) {
          const { endCursor } = data.mappings.pageInfo;
          ({ data } = (await list.fetchMore({ variables: { after: endCursor } })) as { data: List });
        }
      },
      names: () => (client.readQuery<List>(query) as List).mappings.edges.map(({ node }) => node.name),
      create: (input) =>
        mutate(CREATE, input, ({ mappingEdge }) => {
          if (!mappingEdge) return;
          const { cursor, node } = mappingEdge as Edge;
          cache.modify({
            fields: {
              mappings: (list, { toReference }) => {
                const edge = { __typename: 'MappingEdge', cursor, node: toReference(node as never) };
                return { ...list, edges: [...list.edges, edge] };
              },
            },
          });
        }),
      update: (input) => mutate(UPDATE, input),
      remove: (sid) =>
        mutate(DELETE, { sid }, ({ deletedId }) => {
          if (deletedId) cache.evict({ id: cache.identify({ __typename: 'Mapping', id: deletedId }) as string });
        }),
    });
    client.stop();
  });

  test.each([
    ['a default cache, which warns', undefined],
    ['the README’s cache, which does not', possibleTypes],
  ])('runs the README’s mutation with %s, and shows what it refuses', async (_cache, possibleTypes) => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => warned.mockRestore());
    const { fetch } = countingFetch(gateway, 'createEnterprise');
    const client = new ApolloClient({
      link: new HttpLink({ uri: `${gateway.url}/graphql`, fetch }),
      cache: new InMemoryCache({ possibleTypes }),
    });
    // An enterprise of that name is there already.
    const { data } = await client.mutate({ mutation: gql(MUTATION) });
    expect(data).toMatchObject({
      createEnterprise: {
        __typename: 'ConflictError',
        code: 'ENTERPRISE_NAME_NOT_UNIQUE',
        message: expect.stringMatching(/./),
        path: ['name'],
      },
    });
    if (possibleTypes) expect(warned).not.toHaveBeenCalled();
    client.stop();
  });

  test('runs the README’s mutation with a default cache, and shows what it has created', async () => {
    // Of the types that it cannot match.
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => warned.mockRestore());
    const { fetch } = countingFetch(gateway, 'createEnterprise');
    const client = new ApolloClient({ link: new HttpLink({ uri: `${gateway.url}/graphql`, fetch }), cache: new InMemoryCache() });
    const name = `Apollo ${version}`;
    const mutation = gql(MUTATION.replace('"Kohl"', `"${name}"`).replace('admin@kohl', `apollo-${version}@kohl`));
    const { data } = await client.mutate({ mutation });
    expect(data).toEqual({
      createEnterprise: {
        __typename: 'CreateEnterpriseSuccess',
        enterprise: { __typename: 'Enterprise', sid: expect.stringMatching(/^EN/), name },
      },
    });
    client.stop();
  });

  test.each([
    ['the README’s cache', false],
    ['a cache that has no policies, if the queries select ids', true],
  ])('shows two queries for fields of one part side by side, without asking again, with %s', async (_cache, selectsIds) => {
    const complained = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')];
    onTestFinished(() => complained.forEach((spy) => void spy.mockRestore()));
    for (const pair of await pairsOf(gateway)) {
      const { fetch, requests } = countingFetch(gateway, '');
      const cache = new InMemoryCache({ possibleTypes, ...(selectsIds ? {} : { typePolicies: parts }) });
      const client = new ApolloClient({ link: new HttpLink({ uri: `${gateway.url}/graphql`, fetch }), cache });
      const queries = (selectsIds ? withIds(pair) : pair).map((query) => gql(query));
      const shown = queries.map((query) => {
        const watched = client.watchQuery({ query });
        watched.subscribe({});
        return watched;
      });
      const areShown = () => shown.every((watched) => !watched.getCurrentResult().loading && watched.getCurrentResult().data !== undefined);
      await expect.poll(areShown, { timeout: 20_000 }).toBe(true);
      // Those that asked again would have done so before.
      await client.query({ query: gql('{ enterprises { totalCount } }') });
      expect(requests(), pair[0]).toBe(3);
      expect(queries.map((query) => client.readQuery({ query }))).not.toContain(null);
      client.stop();
    }
    for (const spy of complained) expect(spy.mock.calls).toEqual([]);
  });

  test('has a subscription that survives a restart of the gateway', async () => {
    const subscribe: Parameters<typeof survivesRestart>[1] = (variables, { next, error }) => {
      const socket = connectSocket(gateway);
      const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache({ possibleTypes }) });
      const subscription = client.subscribe<{ messageEvents: Update }>({ query: gql(EVENTS), variables }).subscribe({
        next: ({ data, error: failure }) => (data ? next(data.messageEvents) : error(failure)),
        error,
        complete: () => error('complete'),
      });
      return () => {
        subscription.unsubscribe();
        socket.dispose();
      };
    };
    await survivesRestart(gateway, subscribe, { repeats: true });
  });
});
