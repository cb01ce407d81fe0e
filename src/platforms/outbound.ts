import { type LookupAddress, type LookupOptions, lookup as lookUp } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { buildConnector } from 'undici';
import { isPublicAddress } from './public-addresses.ts';
import type { Fetch } from './request.ts';

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
}

export type Lookup = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Creates the fetch that all outbound requests use, against server-side request forgery. A URL from outside, such as an activity's serviceUrl,
 * is connected to only at public addresses. The address that is checked is the one that is connected to, so DNS rebinding gains nothing.
 * Redirects are not followed.
 * @returns a fetch that takes URLs, and fails with ForbiddenAddressError as the cause
 */
export function createOutbound({ isConfigured, lookup = lookUp, mayConnect = isPublicAddress }: OutboundOptions): Fetch {
  let guarded: Promise<Fetch> | undefined;
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (isConfigured(url)) return fetch(input, { ...init, redirect: 'manual' });
    if (input instanceof Request) throw new TypeError('Outbound fetch takes a URL, not a Request');
    guarded ??= guardedFetch(lookup, mayConnect);
    return (await guarded)(url, { ...init, redirect: 'manual' });
  };
}

/** Node's fetch has no option for how to connect; undici's, which it is built from, has. Loaded on first use. */
async function guardedFetch(lookup: Lookup, mayConnect: (address: string) => boolean): Promise<Fetch> {
  const undici = await import('undici');
  const dispatcher = new undici.Agent({ connect: guardedConnector(undici.buildConnector, lookup, mayConnect) });
  const fetch = undici.fetch as unknown as Fetch;
  return (input, init) => fetch(input, { ...init, dispatcher } as RequestInit);
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
