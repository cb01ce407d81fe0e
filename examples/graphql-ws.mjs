// Live message events with graphql-ws: every event once and in order, across lost connections and restarts.
//
//   ACCOUNT_SID=AC… AUTH_TOKEN=… node examples/graphql-ws.mjs [cursor]
//
// `npm run demo` in another terminal creates some messages. Ctrl-C prints the cursor to continue from.

import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { authorization, gatewayUrl } from './environment.mjs';

const EVENTS = `subscription ($after: String) {
  messageEvents(after: $after) {
    __typename
    ... on Bookmark { cursor }
    ... on MessageEvent { cursor channelStatus channelErrorMessage message { sid from to body } }
  }
}`;

const NEWEST = '{ messages(first: 10, orderBy: { field: DATE_CREATED, direction: DESC }) { nodes { sid channelStatus } } }';

/** Errors after which to subscribe again a little later, from the same cursor. */
const TEMPORARY = ['SERVICE_UNAVAILABLE', 'TIMEOUT', 'TOO_MANY_REQUESTS', 'TOO_MANY_SUBSCRIPTIONS'];

let pongTimeout;
const client = createClient({
  url: `${gatewayUrl.replace(/^http/, 'ws')}/graphql`,
  // Browsers and Node 22 have a WebSocket of their own.
  webSocketImpl: globalThis.WebSocket ?? WebSocket,
  // Called for each connection: the place to get a new access token when the old one has expired.
  connectionParams: async () => ({ Authorization: authorization }),
  // By default graphql-ws gives up when the gateway cannot be reached for a moment. 4403: the credentials are not valid. After 4401, they have
  // ended, and graphql-ws never tries again.
  shouldRetry: ({ code }) => code !== 4403,
  retryAttempts: Number.POSITIVE_INFINITY,
  retryWait: (retries) => delay(Math.min(1000 * 2 ** retries, 30_000) * (0.5 + Math.random() / 2)),
  // A lost network reports nothing. Connect again when a ping is not answered in time.
  keepAlive: 5_000,
  on: {
    connected: () => console.log('Connected'),
    ping: (isReceived) => {
      if (!isReceived) pongTimeout = setTimeout(() => client.terminate(), 5_000);
    },
    pong: (isReceived) => {
      if (isReceived) clearTimeout(pongTimeout);
    },
    closed: () => clearTimeout(pongTimeout),
  },
});

// After a lost connection, graphql-ws subscribes again with the current values of these variables: from the last cursor.
const variables = { after: process.argv[2] };

function subscribe() {
  client.subscribe(
    { query: EVENTS, variables },
    {
      next({ data, errors }) {
        if (!data) return console.error(errors);
        const update = data.messageEvents;
        const isFirst = variables.after === undefined;
        variables.after = update.cursor;
        // Without `after`, a stream begins with a bookmark. Read the current state when it arrives, so that nothing is missed.
        if (isFirst) readNewest().catch((error) => console.error('Cannot read the newest messages:', error));
        if (update.__typename === 'MessageEvent') show(update);
      },
      error: recover,
      complete() {},
    },
  );
}

/** Called when the stream has ended. @param reason GraphQL errors, or a close event if there is no connection */
async function recover(reason) {
  const code = Array.isArray(reason) ? reason[0]?.extensions?.code : undefined;
  if (code === 'CURSOR_EXPIRED') {
    // Disconnected for longer than events are kept: start over.
    variables.after = undefined;
  } else if (TEMPORARY.includes(code)) {
    await delay(1000 * (reason[0].extensions.retryAfter ?? 5));
  } else if (code !== 'STREAM_OVERFLOW') {
    console.error('The stream has ended:', reason.reason ?? reason);
    process.exitCode = 1;
    return;
  }
  // STREAM_OVERFLOW: events arrived faster than they were read. The last cursor is still valid.
  console.log(`${code}: subscribing again`);
  subscribe();
}

async function readNewest() {
  for await (const { data } of client.iterate({ query: NEWEST })) {
    for (const { sid, channelStatus } of data?.messages.nodes ?? []) console.log(`${sid} is ${channelStatus}`);
  }
}

function show({ channelStatus, channelErrorMessage, message: { sid, from, to, body } }) {
  console.log(`${sid} ${channelStatus} ${from} → ${to}: ${channelErrorMessage ?? body}`);
}

process.once('SIGINT', () => {
  console.log(`Continue with: node examples/graphql-ws.mjs ${variables.after ?? ''}`);
  client.dispose();
});
subscribe();
