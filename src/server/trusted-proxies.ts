import { BlockList, isIP } from 'node:net';

/**
 * Which proxies in front of the gateway tell the truth about whose requests they pass on: so many, or those at these addresses (`10.0.0.0/8`,
 * `2001:db8::1`). None where left out: then X-Forwarded-For is anybody's claim, and the connection's other end is the client.
 */
export type TrustProxy = number | readonly string[];

const MOST_PROXIES = 10;

/** A number of proxies, or their addresses, comma separated, as TRUST_PROXY has them. */
export const parseTrustProxy = (text: string): TrustProxy =>
  /^\d+$/.test(text) ? Number(text) : text.split(',').map((range) => range.trim());

/** Can it be used as TRUST_PROXY? */
export function isTrustProxy(text: string): boolean {
  const trust = parseTrustProxy(text);
  if (typeof trust === 'number') return trust >= 1 && trust <= MOST_PROXIES;
  try {
    createAddressOf(trust);
    return true;
  } catch {
    return false;
  }
}

/** @returns the client's address, where the connection's other end is `remoteAddress` and the request says this in X-Forwarded-For */
export type AddressOf = (remoteAddress: string | undefined, forwardedFor: string | undefined) => string | undefined;

/**
 * Each proxy appends the address that it was called from, so the list is read from its end, and only as far as those are trusted who wrote it:
 * what a client puts in front counts for nothing.
 * @throws TypeError for what is no address range
 */
export function createAddressOf(trust: TrustProxy = 0): AddressOf {
  const isTrusted = typeof trust === 'number' ? (_: string, hops: number) => hops < trust : within(trust);
  return (remoteAddress, forwardedFor) => {
    if (remoteAddress === undefined) return undefined;
    let address = plain(remoteAddress) ?? remoteAddress;
    const claimed = forwardedFor?.split(',') ?? [];
    for (let hops = 0; isTrusted(address, hops); hops += 1) {
      const next = plain(claimed.pop() ?? '');
      if (next === undefined) break;
      address = next;
    }
    return address;
  };
}

function within(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits, ...more] = range.split('/');
    const family = familyOf(address);
    const most = family === 'ipv4' ? 32 : 128;
    if (!isIP(address) || more.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)))
      throw new TypeError(`${range} is no IP address or range`);
    list.addSubnet(address, bits === undefined ? most : Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address));
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** An address as some proxies write it, with a port, in brackets, or an IPv4 one as IPv6. `undefined` for what is none. */
function plain(text: string): string | undefined {
  const written = text.trim();
  const address = /^\[([^\]]+)\](:\d+)?$/.exec(written)?.[1] ?? /^([\d.]+):\d+$/.exec(written)?.[1] ?? written;
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(bare) ? bare : undefined;
}
