import { readFileSync } from 'node:fs';
import { Client, cacheExchange, type Exchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { type CacheExchangeOpts, cacheExchange as graphcacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { buildSchema, introspectionFromSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
// @ts-expect-error: plain JavaScript
import { keys } from '../../examples/graphcache/keys.mjs';
import { countingFetch, keepsItsListRight, type Result } from './cached-list.ts';
import { CREATE, DELETE, EVENTS, LIST, UPDATE } from './documents.ts';
import { survivesRestart, type Update } from './events.ts';
import { ClientsGateway } from './gateway.ts';
import { pairsOf, withIds } from './parts.ts';
import { connectSocket } from './socket.ts';

let gateway: ClientsGateway;
beforeAll(async () => {
  gateway = await ClientsGateway.start();
});
afterAll(() => gateway.close());

interface List {
  readonly mappings: {
    readonly edges: { readonly node: { readonly name: string } }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
  };
}

const connect = (exchanges: Exchange[], fetch: typeof globalThis.fetch) =>
  new Client({ url: `${gateway.url}/graphql`, preferGetMethod: 'within-url-limit', exchanges, fetch });

const schema = introspectionFromSchema(buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8')));
const EVERYTHING = { first: 100 };
const namesOf = ({ mappings }: List) => mappings.edges.map(({ node }) => node.name);

/** The list as a component shows it: the last result of a query that is being observed. */
function listOf(client: Client, requests: () => number, remove = DELETE) {
  let shown: readonly string[] = [];
  const mutate = async (mutation: string, input: object): Promise<Result> => {
    const { data, error } = await client.mutation(mutation, { input });
    expect(error?.message).toBeUndefined();
    return Object.values(data as object)[0] as Result;
  };
  return {
    requests,
    load: () =>
      new Promise<void>((resolve) => {
        client.query<List>(LIST, EVERYTHING).subscribe(({ data }) => {
          if (data) shown = namesOf(data);
          resolve();
        });
      }),
    names: () => shown,
    create: (input: object) => mutate(CREATE, input),
    update: (input: object) => mutate(UPDATE, input),
    remove: (sid: string) => mutate(remove, { sid }),
  };
}

/** What a team writes for graphcache once: the list follows the mutations. */
const updates: CacheExchangeOpts['updates'] = {
  Mutation: {
    createMapping: ({ createMapping }, _input, cache) => {
      const { mappingEdge } = createMapping as { mappingEdge?: List['mappings']['edges'][0] };
      if (!mappingEdge) return;
      cache.updateQuery<List>({ query: LIST, variables: EVERYTHING }, (list) => {
        list?.mappings.edges.push(mappingEdge);
        return list;
      });
    },
    deleteMapping: ({ deleteMapping }, _input, cache) => {
      const { deletedId } = deleteMapping as { deletedId?: string };
      if (deletedId) cache.invalidate({ __typename: 'Mapping', id: deletedId });
    },
  },
};

describe('urql', () => {
  test('reads a list again after a change, with its default cache, and not after a refusal', async () => {
    const { fetch, requests } = countingFetch(gateway, 'query Mappings');
    const client = connect([cacheExchange, fetchExchange], fetch);
    // The type of what it selects tells the document cache which lists to read again.
    const remove = DELETE.replace('deletedId', 'deletedId mapping { id }');
    await keepsItsListRight(gateway, { ...listOf(client, requests, remove), refetches: true });
  });

  test('pages through a list', async () => {
    const { fetch } = countingFetch(gateway, 'query Mappings');
    const client = connect([cacheExchange, fetchExchange], fetch);
    const names: string[] = [];
    for (let after: string | undefined, more = true; more; ) {
      const { data } = await client.query<List>(LIST, { first: 3, after });
      if (!data) throw new Error('no page');
      names.push(...namesOf(data));
      more = data.mappings.pageInfo.hasNextPage;
      after = data.mappings.pageInfo.endCursor;
    }
    expect(names).toEqual(['A', 'B', 'C', 'D', 'E', 'F', 'G']);
  });

  test('has a subscription that survives a restart of the gateway', async () => {
    const subscribe: Parameters<typeof survivesRestart>[1] = (variables, { next, error }) => {
      const socket = connectSocket(gateway);
      const forwardSubscription = ({ query = '', variables }: { query?: string; variables?: object }) => ({
        subscribe: (sink: Parameters<typeof socket.subscribe>[1]) => ({
          unsubscribe: socket.subscribe({ query, variables: { ...variables } }, sink as never),
        }),
      });
      const client = connect([cacheExchange, subscriptionExchange({ forwardSubscription: forwardSubscription as never })], fetch);
      const { unsubscribe } = client
        .subscription<{ messageEvents: Update }>(EVENTS, variables)
        .subscribe((result) => (result.data ? next(result.data.messageEvents) : error(result.error)));
      return () => {
        unsubscribe();
        socket.dispose();
      };
    };
    await survivesRestart(gateway, subscribe, { repeats: true });
  });

  test('has one over server-sent events without another library, with fetchSubscriptions, also across a restart', async () => {
    const { fetch } = countingFetch(gateway, 'query');
    const client = new Client({
      url: `${gateway.url}/graphql`,
      preferGetMethod: false,
      fetchSubscriptions: true,
      exchanges: [fetchExchange],
      fetch,
    });
    // urql hands over the end of a stream, and leaves it to the page to subscribe again.
    await survivesRestart(gateway, (variables, { next }) => {
      let stop = () => {};
      const open = () => {
        const again = () => {
          stop();
          timer = setTimeout(open, 100);
        };
        const events = client.subscription<{ messageEvents: Update }>(EVENTS, { ...variables });
        stop = events.subscribe(({ data, error, hasNext }) => {
          if (data && !error && hasNext) next(data.messageEvents);
          if (error || !hasNext) again();
        }).unsubscribe;
      };
      let timer = setTimeout(open, 0);
      return () => {
        clearTimeout(timer);
        stop();
      };
    });
  });
});

describe('graphcache', () => {
  // Without the schema it has to guess the types that `... on Error` matches.
  test('is right after changes and refusals, with the schema, and warns of nothing', async () => {
    const warn = vi.spyOn(console, 'warn');
    const { fetch, requests } = countingFetch(gateway, 'query Mappings');
    const client = connect([graphcacheExchange({ schema, updates }), fetchExchange], fetch);
    // A list from which an entity is missing is read again.
    await keepsItsListRight(gateway, { ...listOf(client, requests), refetches: true });
    expect(warn.mock.calls).toEqual([]);
    warn.mockRestore();
  });

  test.each([
    ['the keys of the examples', false],
    ['no keys, if the queries select ids', true],
  ])('shows two queries for fields of one part side by side, without asking again or a warning, with %s', async (_keys, selectsIds) => {
    const warn = vi.spyOn(console, 'warn');
    for (const pair of await pairsOf(gateway)) {
      const { fetch, requests } = countingFetch(gateway, '');
      const client = connect([graphcacheExchange({ schema, ...(selectsIds ? {} : { keys }) }), fetchExchange], fetch);
      const shown: unknown[] = [];
      for (const [place, query] of (selectsIds ? withIds(pair) : pair).entries()) {
        client.query(query, {}).subscribe(({ data, stale }) => {
          shown[place] = stale ? undefined : data;
        });
      }
      await expect.poll(() => [...shown], { timeout: 20_000 }).toEqual([expect.any(Object), expect.any(Object)]);
      // Those that asked again would have done so before.
      await client.query('{ enterprises { totalCount } }', {});
      expect(requests(), pair[0]).toBe(3);
    }
    expect(warn.mock.calls).toEqual([]);
    warn.mockRestore();
  });

  test('warns of no value in a list, with the keys of the examples', async () => {
    const warn = vi.spyOn(console, 'warn');
    const { fetch } = countingFetch(gateway, 'usage');
    const client = connect([graphcacheExchange({ schema, keys }), fetchExchange], fetch);
    const query = `{ usage(from: "2026-01-01T00:00:00Z", to: "2036-01-01T00:00:00Z", granularity: MONTH) { messages } }`;
    const { data } = await client.query<{ usage: unknown[] }>(query, {});
    expect(data?.usage.length).toBeGreaterThan(0);
    expect(warn.mock.calls).toEqual([]);
    warn.mockRestore();
  });

  test('joins the pages of a list', async () => {
    const { fetch } = countingFetch(gateway, 'query Mappings');
    const client = connect([graphcacheExchange({ schema, resolvers: { Query: { mappings: relayPagination() } } }), fetchExchange], fetch);
    let page = (await client.query<List>(LIST, { first: 3 })).data as List;
    while (page.mappings.pageInfo.hasNextPage) {
      page = (await client.query<List>(LIST, { first: 3, after: page.mappings.pageInfo.endCursor })).data as List;
    }
    expect(namesOf(client.readQuery<List>(LIST, { first: 3 })?.data as List)).toEqual(['A', 'B', 'C', 'D', 'E', 'F', 'G']);
  });
});
