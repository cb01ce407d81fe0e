// Apollo Client: a list page by page, a mutation with its expected errors, and messages that change live in the cache.
//
//   ACCOUNT_SID=AC… AUTH_TOKEN=… node examples/apollo/console.mjs
//
// `npm run demo` in another terminal creates some messages. Ctrl-C ends it.

import { gql } from '@apollo/client';
import { WebSocket } from 'ws';
import { authorization, gatewayUrl } from '../environment.mjs';
import { createGatewayClient } from './client.mjs';
import { followMessageEvents } from './message-events.mjs';

// Browsers and Node 22 have a WebSocket of their own.
globalThis.WebSocket ??= WebSocket;

// A function, as a page needs it that renews its access token.
const client = createGatewayClient({ url: gatewayUrl, authorization: () => authorization });

// 1. A list. The cache joins its pages by `edges` (not `nodes`), and keeps each entity by its `id`.

const ENTERPRISES = gql`
  query Enterprises($first: Int = 25, $after: String) {
    enterprises(first: $first, after: $after, orderBy: { field: NAME }) {
      totalCount
      edges { node { id sid name status } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

// Throws if the gateway cannot be reached, or refuses the credentials.
const { data } = await client.query({ query: ENTERPRISES });
const enterprises = client.watchQuery({ query: ENTERPRISES });
// As a component would do: called whenever something in the list changes.
enterprises.subscribe(({ data, loading }) => {
  if (data && !loading) console.log(`Enterprises: ${data.enterprises.edges.length} of ${data.enterprises.totalCount}`);
});
for (let { pageInfo } = data.enterprises; pageInfo.hasNextPage; ) {
  const page = await enterprises.fetchMore({ variables: { after: pageInfo.endCursor } });
  pageInfo = page.data.enterprises.pageInfo;
}

// 2. A mutation. Its result is a union of the enterprise and the expected errors. Other errors are thrown.

const CREATE_ENTERPRISE = gql`
  mutation CreateEnterprise($input: CreateEnterpriseInput!) {
    createEnterprise(input: $input) {
      ... on CreateEnterpriseSuccess { enterprise { id sid name status } }
      ... on Error { code message path }
      ... on InvalidInputError { issues { path message } }
    }
  }
`;

/** @returns {Promise<string>} the text for the user */
async function createEnterprise(name, email) {
  // After a network error, send it again with the same key: the change is made once.
  const input = { name, enterpriseAdmin: { email, password: crypto.randomUUID() }, idempotencyKey: crypto.randomUUID() };
  const { data } = await client.mutate({ mutation: CREATE_ENTERPRISE, variables: { input } });
  const result = data.createEnterprise;
  switch (result.__typename) {
    case 'CreateEnterpriseSuccess':
      return `Created ${result.enterprise.name}: ${result.enterprise.sid}`;
    case 'InvalidInputError':
      // One issue for each wrong form field.
      return result.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
    default:
      // ConflictError, NotFoundError, PlatformError. Branch on `code`, and show `message` at the field of `path`.
      return `${result.code} at ${result.path?.join('.')}: ${result.message}`;
  }
}

const name = `Example ${crypto.randomUUID()}`;
console.log(await createEnterprise(name, `${crypto.randomUUID()}@example.com`));
console.log(await createEnterprise(name, `${crypto.randomUUID()}@example.com`));
console.log(await createEnterprise('', ''));

// 3. Live events. They update the messages in the cache, and so the result of this query.

const NEWEST = gql`
  query NewestMessages {
    messages(first: 5, orderBy: { field: DATE_CREATED, direction: DESC }) {
      edges { node { id sid channelStatus } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

// Only `onStart` reads it from the gateway.
const newest = client.watchQuery({ query: NEWEST, fetchPolicy: 'cache-only' });
newest.subscribe(({ data, loading }) => {
  if (!data?.messages || loading) return;
  console.log(
    'Newest messages:',
    data.messages.edges
      .slice(0, 3)
      .map(({ node }) => `${node.sid} ${node.channelStatus}`)
      .join(', ') || 'none',
  );
});

const stop = followMessageEvents(client, {
  onStart: () => newest.refetch(),
  onEvent({ channelStatus, previousChannelStatus, message }) {
    console.log(`Event: ${message.sid} ${previousChannelStatus ?? 'new'} → ${channelStatus}`);
    if (!previousChannelStatus) addToList(message);
  },
  onError(error) {
    console.error('There are no more events:', error.message);
    process.exitCode = 1;
  },
});
process.once('SIGINT', stop);

/** The cache has the message already, but the list does not. */
function addToList(message) {
  newest.updateQuery(({ messages }) => {
    if (messages.edges.some(({ node }) => node.id === message.id)) return;
    return { messages: { ...messages, edges: [{ __typename: 'MessageEdge', node: message }, ...messages.edges] } };
  });
}
