import { type Answer, type Fetch, request, under } from '../request.ts';
import { withoutSecrets } from '../without-secrets.ts';

export interface RestcommOptions {
  /** Restcomm's base address, with or without `/restcomm/2012-04-24` and a slash at its end. It carries no credentials. */
  readonly url: string;
  readonly accountSid: string;
  readonly authToken: string;
  readonly fetch: Fetch;
  /** For each request, from its start to the last byte of its answer, in ms. */
  readonly timeoutMs?: number;
}

export interface RestcommRequestOptions {
  readonly query?: Record<string, string>;
  readonly form?: Record<string, string>;
  /** Whose request it is; the gateway's own account where left out. */
  readonly credentials?: { readonly accountSid: string; readonly authToken: string };
}

/**
 * One request to Restcomm's REST API; `path` is below the base address, without `.json`. A refusal's text is free of what was confidential in
 * the request.
 * @throws NoAnswerError
 */
export type RestcommRequest = (
  method: 'GET' | 'POST' | 'PUT',
  path: readonly string[],
  options?: RestcommRequestOptions,
) => Promise<Answer>;

const TIMEOUT = 5_000;
/** A password, and addresses that carry a number's secret. */
const CONFIDENTIAL = ['Password', 'SmsUrl', 'SmsFallbackUrl', 'StatusCallback'];

export function createRestcommRequest({ url, accountSid, authToken, fetch, timeoutMs = TIMEOUT }: RestcommOptions): RestcommRequest {
  const base = baseOf(url);
  return async (method, path, { query, form, credentials = { accountSid, authToken } } = {}) => {
    const basic = Buffer.from(`${credentials.accountSid}:${credentials.authToken}`).toString('base64');
    const target = under(base, `${path.map(encodeURIComponent).join('/')}.json`);
    const answer = await request(fetch, query ? `${target}?${new URLSearchParams(query)}` : target, {
      method,
      headers: { authorization: `Basic ${basic}`, accept: 'application/json' },
      body: form && new URLSearchParams(form),
      timeoutMs,
    });
    const secrets = [basic, credentials.authToken, ...CONFIDENTIAL.map((field) => form?.[field] ?? '')];
    return answer.status < 300 ? answer : { ...answer, text: withoutSecrets(answer.text, secrets) };
  };
}

/** Restcomm's users know it by its host, by its `/restcomm`, or by the whole base address. */
function baseOf(url: string): string {
  const { origin, pathname, username, password } = new URL(url);
  if (username || password) throw new TypeError('The address of Restcomm must not carry credentials.');
  const path = pathname.replace(/\/+$/, '');
  if (path.endsWith('/2012-04-24')) return origin + path;
  return `${origin}${path.endsWith('/restcomm') ? path : `${path}/restcomm`}/2012-04-24`;
}
