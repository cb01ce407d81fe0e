import { BlockList, isIP } from 'node:net';

/**
 * The proxies whose X-Forwarded-For is trusted: how many there are in front of the gateway, or their addresses and CIDR ranges (`10.0.0.0/8`,
 * `2001:db8::1`). By default none, since the header could be forged: then the client's address is the connection's.
 */
export type TrustProxy = number | readonly string[];

const MAX_PROXIES = 10;

/** Parses TRUST_PROXY: a number of proxies, or their addresses, comma separated. */
export const parseTrustProxy = (text: string): TrustProxy =>
  /^\d+$/.test(text) ? Number(text) : text.split(',').map((range) => range.trim());

/** Whether the text is a valid TRUST_PROXY. */
export function isTrustProxy(text: string): boolean {
  const trust = parseTrustProxy(text);
  if (typeof trust === 'number') return trust >= 1 && trust <= MAX_PROXIES;
  try {
    createAddressOf(trust);
    return true;
  } catch {
    return false;
  }
}

/**
 * Finds the client's address.
 * @param remoteAddress the connection's
 * @param forwardedFor the request's X-Forwarded-For
 */
type AddressOf = (remoteAddress: string | undefined, forwardedFor: string | undefined) => string | undefined;

/**
 * Each proxy appends the address that called it. The list is therefore read from its end, and only as long as the proxy that wrote an entry is
 * trusted: entries that a client adds come before those, and are never reached.
 * @throws TypeError for an entry that is not an address or a CIDR range
 */
export function createAddressOf(trust: TrustProxy = 0): AddressOf {
  const isTrusted = typeof trust === 'number' ? (_: string, hops: number) => hops < trust : within(trust);
  return (remoteAddress, forwardedFor) => {
    if (remoteAddress === undefined) return undefined;
    let address = parseAddress(remoteAddress) ?? remoteAddress;
    const forwarded = forwardedFor?.split(',') ?? [];
    for (let hops = 0; isTrusted(address, hops); hops += 1) {
      const next = parseAddress(forwarded.pop() ?? '');
      if (next === undefined) break;
      address = next;
    }
    return address;
  };
}

function within(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix, ...rest] = range.split('/');
    const family = familyOf(address);
    const maxPrefix = family === 'ipv4' ? 32 : 128;
    if (!isIP(address) || rest.length > 0 || (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= maxPrefix)))
      throw new TypeError(`${range} is not an IP address or a CIDR range`);
    list.addSubnet(address, prefix === undefined ? maxPrefix : Number(prefix), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address));
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/**
 * Parses an address as proxies write it: perhaps with a port, in brackets, or an IPv4 address mapped to IPv6.
 * @returns `undefined` if it is not an address
 */
function parseAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const address = /^\[([^\]]+)\](:\d+)?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d+$/.exec(trimmed)?.[1] ?? trimmed;
  const unmapped = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(unmapped) ? unmapped : undefined;
}
