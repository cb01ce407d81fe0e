import { type LookupAddress, type LookupOptions, lookup as lookUp } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { buildConnector } from 'undici';
import { isPublicAddress } from './public-addresses.ts';
import type { Fetch } from './request.ts';

/** A URL that came from outside leads to an address that nobody outside has business with. Nothing was sent. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
  readonly code = 'ERR_ADDRESS_FORBIDDEN';
  /** As of node's own errors from before a connection is made. */
  readonly syscall = 'connect';

  constructor(hostname: string) {
    super(`${hostname} has no address on the public internet`);
  }
}

export interface OutboundOptions {
  /** Is this address the operator's own setting? Those may be anywhere; all others came from outside. */
  readonly isOwn: (url: URL) => boolean;
  /** How names become addresses; for tests. */
  readonly lookup?: Lookup;
  /** Which addresses may be connected to; for tests. */
  readonly mayConnect?: (address: string) => boolean;
}

export type Lookup = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * The one way out of the gateway. A URL that came from outside (an activity's serviceUrl, a place that metadata names) is connected to at public
 * addresses alone, and what is checked is the very address that the connection is made to, so that a name that answers otherwise the second time
 * gains nothing. No redirect is followed.
 */
export function createOutbound({ isOwn, lookup = lookUp, mayConnect = isPublicAddress }: OutboundOptions): Fetch {
  let guarded: Promise<Fetch> | undefined;
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (isOwn(url)) return fetch(input, { ...init, redirect: 'manual' });
    if (input instanceof Request) throw new TypeError('The way out takes addresses, not requests');
    guarded ??= guardedFetch(lookup, mayConnect);
    return (await guarded)(url, { ...init, redirect: 'manual' });
  };
}

/** Node's own fetch lets nobody say how it connects; that of the package which it is made of does. Loaded when it is first needed. */
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
    // An address that is spelled out is not looked up. URL has made one spelling of 0x7f.1, 2130706433 and 127.1.
    const hostname = options.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(hostname) && !mayConnect(hostname)) return callback(new ForbiddenAddressError(hostname), null);
    connect(options, callback);
  };
}
