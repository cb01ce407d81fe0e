import { redactSecrets } from '../redact-secrets.ts';
import { type Fetch, joinUrl, type PlatformResponse, request } from '../request.ts';

export interface RestcommOptions {
  /** Restcomm's base URL, with or without `/restcomm/2012-04-24` and a trailing slash. It must not contain credentials. */
  readonly url: string;
  readonly accountSid: string;
  readonly authToken: string;
  readonly fetch: Fetch;
  /** For each request, from connecting to the last byte of the response, in ms. */
  readonly timeoutMs?: number;
  /** See `Restcomm.settlesMs`. `sendSms` waits for a response at least as long. */
  readonly settlesMs?: number;
  /** See `SmsLimit.segments`. */
  readonly maxSegments?: number;
}

export interface RestcommRequest {
  readonly query?: Record<string, string>;
  readonly form?: Record<string, string>;
  /** Defaults to the gateway's own account. */
  readonly credentials?: { readonly accountSid: string; readonly authToken: string };
  /** Waits at least so long for the response, in ms. */
  readonly minTimeoutMs?: number;
}

/**
 * Sends one request to Restcomm's REST API. The text of a refusal does not contain the request's secrets.
 * @param path segments below the base URL; `.json` is appended
 * @throws NoResponseError
 */
export type RestcommApi = (method: 'GET' | 'POST' | 'PUT', path: readonly string[], options?: RestcommRequest) => Promise<PlatformResponse>;

const TIMEOUT_MS = 5_000;
/** Form fields that hold a password, or a webhook's URL with its secret. */
const SECRET_FIELDS = ['Password', 'SmsUrl', 'SmsFallbackUrl', 'StatusCallback'];

/** @throws TypeError if `url` is not a URL or contains credentials */
export function createRestcommApi({ url, accountSid, authToken, fetch, timeoutMs = TIMEOUT_MS }: RestcommOptions): RestcommApi {
  const base = baseOf(url);
  return async (method, path, { query, form, credentials = { accountSid, authToken }, minTimeoutMs = 0 } = {}) => {
    const basic = Buffer.from(`${credentials.accountSid}:${credentials.authToken}`).toString('base64');
    const target = joinUrl(base, `${path.map(encodeURIComponent).join('/')}.json`);
    const response = await request(fetch, query ? `${target}?${new URLSearchParams(query)}` : target, {
      method,
      headers: { authorization: `Basic ${basic}`, accept: 'application/json' },
      form: form && new URLSearchParams(form),
      timeoutMs: Math.max(timeoutMs, minTimeoutMs),
    });
    if (response.status < 300) return response;
    const secrets = [basic, credentials.authToken, ...SECRET_FIELDS.map((field) => form?.[field] ?? '')];
    return { ...response, text: redactSecrets(response.text, secrets) };
  };
}

/** Completes a base URL: operators know it as the host, with `/restcomm`, or whole. */
function baseOf(url: string): string {
  const { origin, pathname, username, password } = new URL(url);
  if (username || password) throw new TypeError("Restcomm's URL must not contain credentials.");
  const path = pathname.replace(/\/+$/, '');
  if (path.endsWith('/2012-04-24')) return origin + path;
  return `${origin}${path.endsWith('/restcomm') ? path : `${path}/restcomm`}/2012-04-24`;
}
