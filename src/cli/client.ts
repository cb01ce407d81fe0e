/** A message event, or a bookmark, which has no message. */
export interface Update {
  readonly channelStatus?: string;
  readonly channelErrorMessage?: string | null;
  readonly message?: { readonly route: string; readonly from: string; readonly to: string; readonly body: string };
}

/** The statuses after which no other comes. */
export const END = new Set(['DELIVERED', 'UNDELIVERED', 'FAILED']);

const EVENTS = `subscription { messageEvents { ... on MessageEvent { channelStatus channelErrorMessage message { route from to body } } } }`;

/** A client of a running gateway, as anybody could write one. */
export interface Client {
  /**
   * Posts JSON.
   * @throws Error if the gateway refuses it
   */
  post(path: string, body: object): Promise<Record<string, unknown>>;
  /** Subscribes to message events, over server-sent events as a browser would. The first update is a bookmark: from then on none is missed. */
  events(signal: AbortSignal): AsyncGenerator<Update>;
}

/** Creates a client that authenticates with an account's SID and auth token. */
export function createClient(gatewayUrl: string, accountSid: string, authToken: string): Client {
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
  return {
    post: async (path, body) => {
      const headers = { authorization, 'content-type': 'application/json' };
      const response = await fetch(new URL(path, gatewayUrl), { method: 'POST', headers, body: JSON.stringify(body) });
      const result = (await response.json()) as Record<string, unknown>;
      if (!response.ok) throw new Error(`${path}: ${JSON.stringify(result)}`);
      return result;
    },
    events: async function* (signal) {
      const url = new URL('/graphql', gatewayUrl);
      url.searchParams.set('query', EVENTS);
      const response = await fetch(url, { headers: { authorization, accept: 'text/event-stream' }, signal });
      let text = '';
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk;
        const frames = text.split('\n\n');
        text = frames.pop() ?? '';
        for (const frame of frames) {
          const data = /^data: (.+)$/m.exec(frame)?.[1];
          if (data) yield JSON.parse(data).data.messageEvents;
        }
      }
    },
  };
}
