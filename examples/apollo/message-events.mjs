// Live message events with Apollo Client: every event once and in order, across lost connections.

import { CombinedGraphQLErrors, gql } from '@apollo/client';

// `id` and `channelStatus` update the cache: every query that shows the message shows its new status.
const MESSAGE_EVENTS = gql`
  subscription MessageEvents($after: String) {
    messageEvents(after: $after) {
      ... on Bookmark { cursor }
      ... on MessageEvent { cursor channelStatus previousChannelStatus channelErrorMessage message { id sid channelStatus } }
    }
  }
`;

/** Errors after which to subscribe again from the same cursor. */
const TEMPORARY = ['STREAM_OVERFLOW', 'SERVICE_UNAVAILABLE', 'TIMEOUT', 'TOO_MANY_REQUESTS', 'TOO_MANY_SUBSCRIPTIONS'];

/**
 * Calls `onStart` when the events begin: read the current state then, so that nothing is missed. Then calls `onEvent` with each
 * event. Calls `onError` when there will be no more events, for example because the credentials are no longer valid.
 *
 * @param {import('@apollo/client').ApolloClient} client
 * @returns {() => void} stops the events; can be used as the cleanup function of React's useEffect
 */
export function followMessageEvents(client, { onStart, onEvent, onError }) {
  let after;
  let started;
  let subscription;
  let pause;

  function subscribe() {
    subscription = client.subscribe({ query: MESSAGE_EVENTS, variables: { after } }).subscribe({
      // Apollo Client 4 passes errors here, too.
      next({ data, error }) {
        if (error) return recover(error);
        const update = data.messageEvents;
        if (after === undefined) start();
        after = update.cursor;
        if (update.__typename === 'MessageEvent') {
          started.then(
            () => onEvent(update),
            () => {},
          );
        }
      },
      complete: subscribeSoon,
    });
  }

  function start() {
    started = onStart();
    started.catch((error) => {
      after = undefined;
      if (!subscription.closed) recover(error);
    });
  }

  function recover(error) {
    subscription.unsubscribe();
    const code = CombinedGraphQLErrors.is(error) ? error.errors[0].extensions?.code : undefined;
    // Disconnected for longer than events are kept: start over.
    if (code === 'CURSOR_EXPIRED') after = undefined;
    else if (code ? !TEMPORARY.includes(code) : /440[13]/.test(error.message)) return onError(error);
    subscribeSoon();
  }

  function subscribeSoon() {
    clearTimeout(pause);
    pause = setTimeout(subscribe, 1000 + 1000 * Math.random());
  }

  subscribe();
  return () => {
    clearTimeout(pause);
    subscription.unsubscribe();
  };
}
