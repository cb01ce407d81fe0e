import { CommandError } from './session.ts';

/** A message event, or a bookmark, which has no message. */
export interface Update {
  readonly channelStatus?: string;
  readonly channelErrorMessage?: string | null;
  readonly message?: { readonly route: string; readonly from: string; readonly to: string; readonly body: string };
}

/** The statuses after which no other comes. */
export const END = new Set(['DELIVERED', 'UNDELIVERED', 'FAILED']);

const EVENTS = `subscription { messageEvents { ... on MessageEvent { channelStatus channelErrorMessage message { route from to body } } } }`;

/** A client of a running gateway, as anybody could write one. Its methods throw CommandError if the gateway cannot be reached, or refuses something. */
export interface Client {
  /** Posts JSON. */
  post(path: string, body: object): Promise<Record<string, unknown>>;
  /** Whether this platform is the embedded stand-in. */
  hasStandIn(kind: 'sms' | 'teams'): Promise<boolean>;
  /** Subscribes to message events, over server-sent events as a browser would. The first update is a bookmark: from then on none is missed. */
  events(signal: AbortSignal): AsyncGenerator<Update>;
}

/**
 * The URL of the gateway that a command uses: the given one, or the one of a gateway on this machine with the same HOST and PORT.
 * @throws CommandError if it is no URL
 */
export function gatewayUrlOf(given: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const [host, port] = [env.HOST?.trim() || '127.0.0.1', env.PORT?.trim() || '4000'];
  // A gateway that listens on every address also listens on loopback.
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const text = given ?? `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text).origin;
  const source = given === undefined ? 'HOST and PORT give' : 'The gateway is given as';
  throw new CommandError(`${source} ${JSON.stringify(text)}, which is no URL like http://127.0.0.1:4000.`);
}

/** Creates a client that authenticates with an account's SID and auth token. */
export function createClient(gatewayUrl: string, accountSid: string, authToken: string): Client {
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;

  async function request(path: string | URL, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
    try {
      return await fetch(new URL(path, gatewayUrl), { ...init, headers: { authorization, ...init.headers } });
    } catch (error) {
      throw new CommandError(`No gateway can be reached at ${gatewayUrl} (${causeOf(error)}). Is it running? \`npm start\` starts one.`);
    }
  }

  async function postJson(path: string, body: object): Promise<{ response: Response; result: Record<string, unknown> }> {
    const response = await request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const result = await response.json().catch(() => undefined);
    if (typeof result !== 'object' || result === null)
      throw new CommandError(`What listens at ${gatewayUrl} is no gateway: it responded to ${path} with ${response.status} and no JSON.`);
    if (response.status === 401) throw new CommandError(`The gateway at ${gatewayUrl} does not accept this account SID and auth token.`);
    return { response, result: result as Record<string, unknown> };
  }

  return {
    post: async (path, body) => {
      const { response, result } = await postJson(path, body);
      if (!response.ok)
        throw new CommandError(`The gateway refused ${path} with ${response.status}: ${result.message ?? JSON.stringify(result)}`);
      return result;
    },
    hasStandIn: async (kind) => (await postJson(`/stand-in/${kind}`, {})).response.status !== 404,
    events: async function* (signal) {
      const url = new URL('/graphql', gatewayUrl);
      url.searchParams.set('query', EVENTS);
      const response = await request(url, { headers: { accept: 'text/event-stream' }, signal });
      if (!response.ok) throw new CommandError(`The gateway refused the subscription to message events with ${response.status}.`);
      let text = '';
      try {
        for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
          text += chunk;
          const frames = text.split('\n\n');
          text = frames.pop() ?? '';
          for (const frame of frames) {
            const data = /^data: (.+)$/m.exec(frame)?.[1];
            if (data) yield updateOf(data);
          }
        }
      } catch (error) {
        if (error instanceof CommandError) throw error;
        throw new CommandError(`Lost the connection to ${gatewayUrl} (${causeOf(error)}).`);
      }
    },
  };
}

function updateOf(frame: string): Update {
  const { data, errors } = JSON.parse(frame) as { data?: { messageEvents: Update }; errors?: readonly { message: string }[] };
  if (data) return data.messageEvents;
  throw new CommandError(`The gateway ended the stream of message events: ${errors?.[0]?.message ?? 'no reason given'}`);
}

/** Why a request got no response: `fetch` says so in the cause of its error. */
function causeOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message?: string };
  return cause?.code ?? cause?.message ?? message ?? String(error);
}
