import { type LookupAddress, type LookupOptions, lookup as lookUp } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { buildConnector, Dispatcher, request } from 'undici';
import { isPublicAddress } from './public-addresses.ts';
import { CutOffError, type Fetch } from './request.ts';

/** A URL from outside resolves only to addresses that are not on the public internet. Nothing was sent. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
  readonly code = 'ERR_ADDRESS_FORBIDDEN';
  /** As in node's own errors from before a connection is made. */
  readonly syscall = 'connect';

  constructor(hostname: string) {
    super(`${hostname} has no address on the public internet`);
  }
}

interface OutboundOptions {
  /** Whether the operator configured this URL. It may then be anywhere; all other URLs come from outside. */
  readonly isConfigured: (url: URL) => boolean;
  /** Resolves host names; for tests. */
  readonly lookup?: Lookup;
  /** Whether an IP address may be connected to; for tests. */
  readonly mayConnect?: (address: string) => boolean;
  /** Aborted when the gateway has no more time to wait: ends the requests under way, and refuses further ones, with CutOffError as the cause. */
  readonly cutOff?: AbortSignal;
}

export type Lookup = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Creates the fetch that all outbound requests use, against server-side request forgery. A URL from outside, such as an activity's serviceUrl,
 * is connected to only at public addresses. The address that is checked is the one that is connected to, so DNS rebinding gains nothing.
 * Redirects are not followed, and compressed bodies are not asked for. It is undici's `request` underneath, which costs less than its `fetch`.
 * @returns a fetch that takes URLs, and fails with ForbiddenAddressError as the cause
 */
export function createOutbound({ isConfigured, lookup = lookUp, mayConnect = isPublicAddress, cutOff }: OutboundOptions): Fetch {
  let connections: Promise<Connections> | undefined;
  // Closes the connections rather than giving each request the signal, which would cost each of them.
  cutOff?.addEventListener('abort', () => {
    void connections?.then(({ anywhere, guarded }) => Promise.all([anywhere.destroy(), guarded.destroy()])).catch(() => {});
  });
  return async (input, { method, headers, body, signal } = {}) => {
    const url = new URL(input);
    connections ??= openConnections(lookup, mayConnect);
    const { request, anywhere, guarded } = await connections;
    if (cutOff?.aborted) throw new TypeError('fetch failed', { cause: new CutOffError(false) });
    const dispatcher = isConfigured(url) ? anywhere : guarded;
    const sent = { 'user-agent': 'teams-sms-gateway', ...headers };
    const response = await request(url, {
      dispatcher,
      method: (method ?? 'GET') as Dispatcher.HttpMethod,
      headers: sent,
      body,
      signal,
    }).catch((error) => {
      throw signal?.aborted ? error : new TypeError('fetch failed', { cause: cutOff?.aborted ? new CutOffError(true) : error });
    });
    const get = (name: string) => [response.headers[name] ?? []].flat()[0] ?? null;
    return { status: response.statusCode, headers: { get }, body: response.body };
  };
}

interface Connections {
  readonly request: typeof request;
  readonly anywhere: Dispatcher;
  readonly guarded: Dispatcher;
}

/** Loads undici, which takes time and memory, with the first request. */
async function openConnections(lookup: Lookup, mayConnect: (address: string) => boolean): Promise<Connections> {
  // Bundled, a CommonJS module has only a default export.
  const { default: undici } = await import('undici');
  const { Agent, buildConnector, request } = undici;
  return { request, anywhere: new Agent(), guarded: new Agent({ connect: guardedConnector(buildConnector, lookup, mayConnect) }) };
}

function guardedConnector(
  build: typeof buildConnector,
  lookup: Lookup,
  mayConnect: (address: string) => boolean,
): buildConnector.connector {
  const permitted: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const usable = (addresses ?? []).filter(({ address }) => mayConnect(address));
      const refused = error ?? (usable.length === 0 ? new ForbiddenAddressError(hostname) : null);
      if (options.all) return callback(refused, usable);
      const [first] = usable;
      callback(refused, first?.address ?? '', first?.family);
    });
  };
  const connect = build({ lookup: permitted });
  return (options, callback) => {
    // A literal address is not looked up. URL has normalized 0x7f.1, 2130706433 and 127.1.
    const hostname = options.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(hostname) && !mayConnect(hostname)) return callback(new ForbiddenAddressError(hostname), null);
    connect(options, callback);
  };
}
