import type { IncomingMessage } from 'node:http';

/** A name or an address, and a port. Anything more would become part of the URL's path, after the path was already routed. */
const HOST = /^([\w.~-]+|\[[\da-f:.]+\])(:\d+)?$/i;

/** The last valid host: most requests repeat it, and skip the check. */
let lastValidHost: string | undefined;

/** Whether a request's target and its only Host header form a URL (RFC 9112, 3.2). The target must be a path: the gateway is not a proxy. */
export function hasValidTarget({ headers: { host = 'localhost' }, rawHeaders, url = '' }: IncomingMessage): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1) return false;
  if (host === lastValidHost && url === '/graphql') return true;
  if (!url.startsWith('/') || !HOST.test(host) || !URL.canParse(`http://${host}${url}`)) return false;
  lastValidHost = host;
  return true;
}
