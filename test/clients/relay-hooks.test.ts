import { createElement, Suspense } from 'react';
import { RelayEnvironmentProvider, useLazyLoadQuery, usePaginationFragment } from 'react-relay';
// @ts-expect-error: has no types
import { create } from 'react-test-renderer';
import { Environment, Network, RecordSource, Store } from 'relay-runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countingFetch } from './cached-list.ts';
import { ClientsGateway } from './gateway.ts';
import listNode from './relay/__generated__/operations_enterprise.graphql.ts';
import queryNode from './relay/__generated__/operationsMappingsQuery.graphql.ts';

let gateway: ClientsGateway;
beforeAll(async () => {
  gateway = await ClientsGateway.start();
});
afterAll(() => gateway.close());

interface Shown {
  readonly names: readonly string[];
  readonly hasNext: boolean;
  readonly loadNext: (count: number) => unknown;
}

test('the hooks of Relay page through a connection, and ask once for each page', async () => {
  const { fetch, requests } = countingFetch(gateway, 'mappings(');
  const environment = new Environment({
    network: Network.create(async ({ text }, variables) => {
      const body = JSON.stringify({ query: text, variables });
      const response = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      return response.json();
    }),
    store: new Store(new RecordSource()),
  });
  let shown: Shown | undefined;
  function Mappings({ enterprise }: { readonly enterprise: never }) {
    const { data, hasNext, loadNext } = usePaginationFragment(listNode as never, enterprise);
    const { mappings } = data as { mappings: { edges: { node: { name: string } }[] } };
    shown = { names: mappings.edges.map(({ node }) => node.name), hasNext, loadNext };
    return null;
  }
  function Page() {
    const { enterprise } = useLazyLoadQuery(queryNode as never, { sid: gateway.enterpriseSid }) as { enterprise: never };
    return createElement(Mappings, { enterprise });
  }
  const page = createElement(Suspense, { fallback: null }, createElement(Page));
  const root = create(createElement(RelayEnvironmentProvider, { environment } as never, page));
  const pages = [['A', 'B', 'C'], ['A', 'B', 'C', 'D', 'E', 'F'], [...'ABCDEFG']];
  for (const [at, names] of pages.entries()) {
    if (at > 0) shown?.loadNext(3);
    await expect.poll(() => shown?.names, { timeout: 20_000 }).toEqual(names);
  }
  expect(shown?.hasNext).toBe(false);
  expect(requests()).toBe(3);
  root.unmount();
});
