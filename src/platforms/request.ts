export type Fetch = typeof globalThis.fetch;

/** What a platform answered. `text` is empty where the body broke off, or is longer than anything that is asked for here. */
export interface Answer {
  readonly host: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** No answer came. The message names the host alone: addresses may hold secrets. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';

  constructor(
    readonly code: 'Unreachable' | 'Timeout' | 'ConnectionLost',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** May the platform have had the request? Only a connection that was never made is sure. */
  get sent(): boolean {
    return this.code !== 'Unreachable';
  }
}

/** Above what any call here is answered with, in bytes. */
const LONGEST = 1024 * 1024;

/**
 * One request, without redirects or repetition.
 *
 * @param timeoutMs for all of it, connecting and reading included
 * @throws NoAnswerError
 */
export async function request(fetch: Fetch, url: string, init: RequestInit & { timeoutMs: number }): Promise<Answer> {
  const { timeoutMs, ...rest } = init;
  const { host } = new URL(url);
  const response = await fetch(url, { ...rest, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) }).catch((error) => {
    throw noAnswer(host, error);
  });
  // The status stands, whatever becomes of the body: what was taken was taken.
  const text = await read(response).catch(() => '');
  return { host, status: response.status, headers: response.headers, text };
}

/** The address of `path` under a base address, whichever way that ends. */
export const under = (base: string, path: string): string => `${base.replace(/\/+$/, '')}/${path}`;

/** A JSON object's fields; none where the text is no JSON object. */
export function jsonFields(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** How long the answer asks to wait, in ms. `Retry-After` is in seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs({ headers }: Answer, now = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? '';
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

async function read(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > LONGEST) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function noAnswer(host: string, error: unknown): NoAnswerError {
  if (error instanceof Error && error.name === 'TimeoutError')
    return new NoAnswerError('Timeout', `${host} did not answer in time.`, { cause: error });
  const cause = error instanceof Error && error.cause ? error.cause : error;
  const code = codeOf(cause);
  return neverLeft(cause)
    ? new NoAnswerError('Unreachable', `${host} can not be reached (${code}).`, { cause })
    : new NoAnswerError('ConnectionLost', `${host} broke the connection (${code}).`, { cause });
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? 'no reason given';

/** Looking up, connecting and the TLS handshake come before the request. A reset does not say when it came. */
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
