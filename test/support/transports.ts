import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { authorizationOf as authorizationBy, type Credentials } from './credentials.ts';
import type { Provider } from './gateway.ts';
import { Reader } from './reader.ts';

export const MESSAGE_EVENTS = `subscription ($after: String, $last: Int, $filter: MessageEventFilter) {
  messageEvents(after: $after, last: $last, filter: $filter) {
    __typename
    ... on Bookmark { cursor }
    ... on MessageEvent { cursor status: channelStatus previousStatus: previousChannelStatus errorCode: channelErrorCode errorMessage: channelErrorMessage message { sid direction mapping { sid } } }
  }
}`;

export const MESSAGE_STATUS = `subscription ($sid: ID!) {
  messageStatus(sid: $sid) { __typename cursor status: channelStatus previousStatus: previousChannelStatus errorCode: channelErrorCode errorMessage: channelErrorMessage message { sid direction mapping { sid } } }
}`;

/** Where and as whom. */
export interface Place {
  readonly url: string;
  readonly provider: Pick<Provider, 'accountSid' | 'authToken'> | Credentials;
}

export interface Transport {
  readonly name: string;
  /** Subscribes. */
  subscribe(place: Place, query: string, variables: Record<string, unknown>): Reader;
  /** Resumes behind a cursor in the way that the transport's clients do. */
  resume(place: Place, cursor: string, variables?: Record<string, unknown>): Reader;
}

export const authorizationOf = (provider: Place['provider']) =>
  authorizationBy('accountSid' in provider ? { user: provider.accountSid, password: provider.authToken } : provider);

/** The graphql-ws package's own client. */
export const graphqlWs: Transport = {
  name: 'the graphql-ws client',
  subscribe: ({ url, provider }, query, variables) => {
    const reader = new Reader();
    const client = createWsClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: authorizationOf(provider) },
      retryAttempts: 0,
    });
    const unsubscribe = client.subscribe(
      { query, variables },
      {
        next: (answer) => reader.answer(answer as never),
        error: (reason) => {
          if (Array.isArray(reason)) reader.answer({ errors: reason });
          reader.end(Array.isArray(reason) ? 'error' : 'cut', (reason as { code?: number }).code);
          void client.dispose();
        },
        complete: () => {
          reader.end('complete');
          void client.dispose();
        },
      },
    );
    reader.close = unsubscribe;
    return reader;
  },
  resume: (place, after, variables) => graphqlWs.subscribe(place, MESSAGE_EVENTS, { ...variables, after }),
};

/** The graphql-sse package's own client. */
export const graphqlSse: Transport = {
  name: 'the graphql-sse client',
  subscribe: ({ url, provider }, query, variables) => {
    const reader = new Reader();
    const client = createSseClient({ url: `${url}/graphql`, headers: { authorization: authorizationOf(provider) }, retryAttempts: 0 });
    reader.close = client.subscribe(
      { query, variables },
      {
        next: (answer) => reader.answer(answer as never),
        error: () => reader.end('cut'),
        complete: () => reader.end('complete'),
      },
    );
    return reader;
  },
  resume: (place, after, variables) => graphqlSse.subscribe(place, MESSAGE_EVENTS, { ...variables, after }),
};

/** Behaves like a browser's EventSource: a GET, and events with ids. It sends the last id when it reconnects. */
export const eventSource: Transport = {
  name: 'EventSource',
  subscribe: (place, query, variables) => read(place, query, variables),
  resume: (place, cursor, variables = {}) => read(place, MESSAGE_EVENTS, variables, cursor),
};

function read({ url, provider }: Place, query: string, variables: Record<string, unknown>, lastEventId?: string): Reader {
  const reader = new Reader();
  const aborting = new AbortController();
  reader.close = () => aborting.abort();
  const search = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  const headers = {
    accept: 'text/event-stream',
    authorization: authorizationOf(provider),
    ...(lastEventId ? { 'last-event-id': lastEventId } : {}),
  };
  void (async () => {
    const response = await fetch(`${url}/graphql?${search}`, { headers, signal: aborting.signal });
    if (!response.body || response.headers.get('content-type') !== 'text/event-stream; charset=utf-8') {
      reader.answer((await response.json()) as never);
      return reader.end('error', response.status);
    }
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const frames = text.split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) take(reader, frame);
    }
  })()
    .catch(() => {})
    .finally(() => reader.end('cut'));
  return reader;
}

function take(reader: Reader, frame: string): void {
  const fields = new Map(frame.split('\n').map((line) => line.split(/: ?(.*)/, 2) as [string, string]));
  const data = fields.get('data');
  if (fields.get('event') === 'complete') reader.end('complete');
  if (fields.get('event') !== 'next' || !data) return;
  const answer = JSON.parse(data);
  const [update] = Object.values<{ cursor?: string }>(answer.data ?? {});
  if (update?.cursor !== fields.get('id')) throw new Error(`A frame's id is not its cursor: ${frame}`);
  reader.answer(answer);
}

export const transports = [graphqlWs, graphqlSse, eventSource];
