import type { IncomingMessage } from 'node:http';

/** A name or an address, and a port. Anything more would become part of the URL's path, after the path was already routed. */
const HOST = /^([\w.~-]+|\[[\da-f:.]+\])(:\d+)?$/i;
/** A target with its own host (absolute-form). */
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;
const UNRESERVED = /%(2d|2e|3\d|[46][1-9a-f]|5[\da]|5f|7[\da]|7e)/gi;

/** The last valid host: most requests repeat it, and skip the check. */
let lastValidHost: string | undefined;

/**
 * Checks that a request's target and its only Host header form a URL (RFC 9112, 3.2), and brings both into one form: an absolute target takes
 * precedence over Host, and its path is read like any other.
 * @returns false if they do not. HTTP/1.1 demands a Host.
 */
export function readTarget(request: IncomingMessage): boolean {
  const { headers, rawHeaders, httpVersion } = request;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) return false;
  if (request.url === '/graphql' && headers.host === lastValidHost) return true;
  const [, authority, rest = ''] = ABSOLUTE.exec(request.url ?? '') ?? [];
  if (authority !== undefined) {
    headers.host = authority;
    request.url = rest.startsWith('/') ? rest : `/${rest}`;
  }
  const { url = '' } = request;
  const { host = 'localhost' } = headers;
  if (!url.startsWith('/') || !HOST.test(host) || !URL.canParse(`http://${host}${url}`)) return false;
  lastValidHost = headers.host;
  if (url.includes('%')) request.url = withPlainPath(url);
  return true;
}

/** The path of a target that `readTarget` has not read. */
export function pathOf(target: string): string {
  const [, , rest = target] = ABSOLUTE.exec(target) ?? [];
  return withPlainPath(rest.split('?')[0] as string);
}

/** Decodes what need not be encoded in a path: `%67` and `g` are equivalent (RFC 3986, 6.2.2.2). The query string stays as it is. */
export function withPlainPath(target: string): string {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  return path.replace(UNRESERVED, (encoded) => decodeURIComponent(encoded)) + target.slice(path.length);
}
