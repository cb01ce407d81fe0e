import {
  ConnectionHandler,
  commitMutation,
  createOperationDescriptor,
  Environment,
  type FetchFunction,
  fetchQuery,
  getSingularSelector,
  Network,
  Observable,
  RecordSource,
  requestSubscription,
  type SingularReaderSelector,
  Store,
} from 'relay-runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countingFetch, keepsItsListRight, type Result } from './cached-list.ts';
import { survivesRestart, type Update } from './events.ts';
import { ClientsGateway } from './gateway.ts';
import listNode from './relay/__generated__/operations_enterprise.graphql.ts';
import createNode from './relay/__generated__/operationsCreateMutation.graphql.ts';
import deleteNode from './relay/__generated__/operationsDeleteMutation.graphql.ts';
import eventsNode from './relay/__generated__/operationsEventsSubscription.graphql.ts';
import queryNode from './relay/__generated__/operationsMappingsQuery.graphql.ts';
import pageNode from './relay/__generated__/operationsPaginationQuery.graphql.ts';
import refetchNode from './relay/__generated__/operationsRefetchQuery.graphql.ts';
import updateNode from './relay/__generated__/operationsUpdateMutation.graphql.ts';
import { connectSocket } from './socket.ts';

let gateway: ClientsGateway;
beforeAll(async () => {
  gateway = await ClientsGateway.start();
});
afterAll(() => gateway.close());

/** Relay's environment, as its documentation sets it up, with graphql-ws for subscriptions. */
function connect() {
  const counting = countingFetch(gateway, 'mappings(');
  const socket = connectSocket(gateway);
  const post: FetchFunction = async ({ text }, variables) => {
    const response = await counting.fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: text, variables }),
    });
    return response.json();
  };
  const environment = new Environment({
    network: Network.create(post, (operation, variables) =>
      Observable.create((sink) =>
        socket.subscribe({ operationName: operation.name, query: operation.text as string, variables }, sink as never),
      ),
    ),
    store: new Store(new RecordSource()),
  });
  return { environment, socket, requests: counting.requests };
}

interface List {
  readonly id: string;
  readonly mappings: {
    readonly edges: readonly { readonly node: { readonly id: string; readonly name: string } }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
  };
}

test('Relay pages through a connection; @appendEdge and @deleteEdge keep it right, and a refusal never lands in it', async () => {
  const { environment, requests } = connect();
  const operation = createOperationDescriptor(queryNode, { sid: gateway.enterpriseSid });
  environment.retain(operation);
  const list = (): List => {
    const { enterprise } = environment.lookup(operation.fragment).data as { enterprise: never };
    return environment.lookup(getSingularSelector(listNode, enterprise) as SingularReaderSelector).data as never;
  };
  const mutate = (mutation: typeof createNode | typeof updateNode | typeof deleteNode, input: object) =>
    new Promise<Result>((resolve, reject) => {
      const connections = mutation === updateNode ? undefined : [ConnectionHandler.getConnectionID(list().id, 'operations_mappings')];
      commitMutation(environment, {
        ...{ mutation, variables: { input, ...(connections ? { connections } : {}) } },
        onCompleted: (response, errors) => (errors ? reject(errors) : resolve(Object.values(response)[0] as Result)),
        onError: reject,
      });
    });

  await keepsItsListRight(gateway, {
    requests,
    load: async () => {
      await fetchQuery(environment, queryNode, { sid: gateway.enterpriseSid }).toPromise();
      while (list().mappings.pageInfo.hasNextPage) {
        const { id, mappings } = list();
        await fetchQuery(environment, pageNode, { id, count: 3, cursor: mappings.pageInfo.endCursor }).toPromise();
      }
    },
    names: () => list().mappings.edges.map(({ node }) => node.name),
    create: (input) => mutate(createNode, input),
    update: (input) => mutate(updateNode, input),
    remove: (sid) => mutate(deleteNode, { sid }),
  });

  // By `node(id:)`, as Relay refetches a fragment.
  const [first] = list().mappings.edges;
  expect(first?.node.name).toBe('A');
  const refetched = await fetchQuery(environment, refetchNode, { id: first?.node.id as string }).toPromise();
  expect(refetched).toMatchObject({ node: { __id: first?.node.id } });
});

test('Relay has a subscription that survives a restart of the gateway', async () => {
  const subscribe: Parameters<typeof survivesRestart>[1] = (variables, { next, error }) => {
    const { environment, socket } = connect();
    const subscription = requestSubscription(environment, {
      ...{ subscription: eventsNode, variables },
      onNext: (data) => next((data as { messageEvents: Update }).messageEvents),
      onError: error,
      onCompleted: () => error('complete'),
    });
    return () => {
      subscription.dispose();
      socket.dispose();
    };
  };
  await survivesRestart(gateway, subscribe, { repeats: true });
});
