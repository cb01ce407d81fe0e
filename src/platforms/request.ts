import { isObject, parseJson } from '../json.ts';

/** How a request is sent. The global `fetch` is one. */
export type Fetch = (url: string, init?: RequestOptions) => Promise<FetchedResponse>;

interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly redirect?: 'manual';
}

interface FetchedResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: AsyncIterable<Uint8Array> | null;
}

interface ResponseHeaders {
  get(name: string): string | null;
}

interface PlatformRequest extends Pick<RequestOptions, 'method' | 'headers' | 'body'> {
  /** The body of a form-encoded request. */
  readonly form?: URLSearchParams;
  /** For the whole exchange, from connecting to the last byte of the response, in ms. */
  readonly timeoutMs: number;
}

/** A platform's response, read to its end. */
export interface PlatformResponse {
  readonly host: string;
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** The body; empty if it broke off or exceeds 1 MiB. */
  readonly text: string;
}

/** Why a request got no response. */
export const NO_RESPONSE = ['Unreachable', 'Timeout', 'ConnectionLost'] as const;

/** A request that got no response. The message names only the host: URLs may contain secrets. */
export class NoResponseError extends Error {
  override readonly name = 'NoResponseError';

  constructor(
    readonly code: (typeof NO_RESPONSE)[number],
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the platform may have received the request: false only if no connection was made. */
  get sent(): boolean {
    return this.code !== 'Unreachable';
  }
}

/** The gateway has ended a request, since it stops. */
export class CutOffError extends Error {
  override readonly name = 'CutOffError';
  readonly code = 'ERR_GATEWAY_STOPS';

  /** @param wasSent whether the request may have left */
  constructor(readonly wasSent: boolean) {
    super('The gateway stops');
  }
}

/** More than any response that the gateway needs. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/**
 * Sends one request, without following redirects and without retrying.
 * @throws NoResponseError
 */
export async function request(fetch: Fetch, url: string, { timeoutMs, form, ...init }: PlatformRequest): Promise<PlatformResponse> {
  const { host } = new URL(url);
  const given = form
    ? { ...init, headers: { ...init.headers, 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }, body: form.toString() }
    : init;
  const response = await fetch(url, { ...given, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) }).catch((error) => {
    throw noResponse(host, error);
  });
  // The status counts even if the body breaks off: the platform has accepted what it has accepted.
  const text = await read(response).catch(() => '');
  return { host, status: response.status, headers: response.headers, text };
}

/** Joins a path to a base URL with or without a trailing slash. */
export const joinUrl = (base: string, path: string): string => `${base.replace(/\/+$/, '')}/${path}`;

/**
 * Parses text as a JSON object.
 * @returns its fields; none if it is not a JSON object
 */
export function jsonFields(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text);
  return isObject(value) ? value : {};
}

/**
 * Reads the Retry-After header: seconds, or a date (RFC 9110, 10.2.3).
 * @param now in ms
 * @returns in ms, at least 0; `undefined` if there is none
 */
export function retryAfterMs({ headers }: PlatformResponse, now = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? '';
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

async function read(response: FetchedResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_RESPONSE_BYTES) return '';
    chunks.push(chunk);
  }
  // Without a byte order mark, which some servers write before JSON.
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** Says why a request got no response. */
export function noResponse(host: string, error: unknown): NoResponseError {
  if (error instanceof Error && error.name === 'TimeoutError')
    return new NoResponseError('Timeout', `${host} did not respond in time.`, { cause: error });
  const cause = error instanceof Error && error.cause ? error.cause : error;
  if (cause instanceof CutOffError)
    return new NoResponseError(cause.wasSent ? 'ConnectionLost' : 'Unreachable', `The gateway stopped before ${host} responded.`, {
      cause,
    });
  const code = codeOf(cause);
  return neverLeft(cause)
    ? new NoResponseError('Unreachable', `${host} cannot be reached (${code}).`, { cause })
    : new NoResponseError('ConnectionLost', `${host} broke the connection (${code}).`, { cause });
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? 'no error code';

/** Whether the request failed at the lookup, the connection or the TLS handshake. A reset does not say when it came. */
function neverLeft(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverLeft);
  const { syscall, message = '' } = (error ?? {}) as NodeJS.ErrnoException;
  return (
    syscall === 'connect' ||
    syscall === 'getaddrinfo' ||
    message.includes('before secure TLS connection was established') ||
    /^(UND_ERR_CONNECT_TIMEOUT|EPROTO|ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(codeOf(error))
  );
}
