import { BlockList, isIP } from 'node:net';

// IANA's registries of special-purpose addresses (RFC 6890 and its updates). No platform on the internet has one of them.

const v4 = new BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carriers' NAT
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // Azure's platform services, visible to every virtual machine
  ['169.254.0.0', 16], // link-local, clouds' metadata
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
] as const)
  v4.addSubnet(address, bits, 'ipv4');

/** IPv6 global unicast. Everything else (loopback, unique local, link-local, multicast, IPv4-compatible) lies outside it. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');

const v6 = new BlockList();
for (const [address, bits] of [
  ['2001::', 23], // protocol assignments, Teredo among them
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4, which carries an IPv4 address
  ['3fff::', 20], // documentation
] as const)
  v6.addSubnet(address, bits, 'ipv6');

/**
 * Checks whether an IP address is on the public internet. An IPv6 address that embeds an IPv4 address (mapped, NAT64) counts as that one.
 * @returns false for anything that is not an IP address, too
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !v4.check(address, 'ipv4');
  if (family !== 6 || address.includes('%')) return false;
  const embedded = embeddedV4(address);
  if (embedded !== undefined) return isPublicAddress(embedded);
  return global.check(address, 'ipv6') && !v6.check(address, 'ipv6');
}

/** Extracts the IPv4 address from `::ffff:0:0/96` and in NAT64's `64:ff9b::/96` (RFC 6052). */
function embeddedV4(address: string): string | undefined {
  // URL normalizes addresses: lower case, no dots, the longest run of zeros left out.
  const [, high, low] =
    /^\[(?:::ffff:|64:ff9b::)(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})?\]$/.exec(new URL(`http://[${address}]`).hostname) ?? [];
  if (low === undefined && !/^64:ff9b::$/i.test(address)) return undefined;
  const bits = [high, low].map((group) => Number.parseInt(group ?? '0', 16));
  return bits.flatMap((group) => [group >> 8, group & 255]).join('.');
}

/** Whether a host, as URL normalizes it, may be on the public internet: an address is looked at, a name only when it is resolved. */
export function mayBePublic(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return isIP(host) ? isPublicAddress(host) : !/(^|\.)localhost$/.test(host);
}
