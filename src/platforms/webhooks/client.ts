import { mayBePublic } from '../public-addresses.ts';
import { CutOffError, type Fetch, NoResponseError, request, retryAfterMs } from '../request.ts';

/** What became of a request to an endpoint. */
export interface WebhookOutcome {
  /** The response's status; `null` if there was none. */
  readonly status: number | null;
  /** Why there was no response; `null` if there was one. */
  readonly error: string | null;
  /** The response's Retry-After, in ms. */
  readonly retryAfterMs?: number;
  readonly durationMs: number;
  /** Whether the gateway stopped before there was a response: the endpoint is not at fault. */
  readonly isCutOff?: boolean;
}

/** Sends requests to the endpoints that organizations register. */
export interface WebhookClient {
  /** Whether an endpoint may have this URL: `https:` and no address that is known to be private, or of a host that the operator permits. */
  permits(url: URL): boolean;
  /** Posts JSON, once and without following redirects. Never rejects. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<WebhookOutcome>;
}

/** How long an endpoint may take for its whole response, in ms. Standard Webhooks recommends 15 to 30 seconds. */
const TIMEOUT_MS = 15_000;

interface WebhookClientOptions {
  /** Refuses addresses that are not on the public internet, unless the operator permits the host. */
  readonly fetch: Fetch;
  /** Whether the operator permits this URL although it may lead to a private address or is plain http. */
  readonly isPermitted: (url: URL) => boolean;
  readonly timeoutMs?: number;
}

export function createWebhookClient({ fetch, isPermitted, timeoutMs = TIMEOUT_MS }: WebhookClientOptions): WebhookClient {
  return {
    permits: (url) => isPermitted(url) || (url.protocol === 'https:' && mayBePublic(url.hostname)),
    post: async (url, headers, body) => {
      const start = performance.now();
      const durationMs = () => Math.round(performance.now() - start);
      try {
        const given = { 'content-type': 'application/json', ...headers };
        const response = await request(fetch, url, { method: 'POST', headers: given, body, timeoutMs });
        return { status: response.status, error: null, retryAfterMs: retryAfterMs(response), durationMs: durationMs() };
      } catch (error) {
        const isKnown = error instanceof NoResponseError;
        const isCutOff = isKnown && error.cause instanceof CutOffError;
        return { status: null, error: isKnown ? error.message : 'The request failed.', durationMs: durationMs(), isCutOff };
      }
    },
  };
}
