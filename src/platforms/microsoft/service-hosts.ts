/** The allow-list of connectors that a bot's token may be sent to. */
export interface ServiceHosts {
  allows(serviceUrl: string): boolean;
}

const ENTRY = /^(?<scheme>http:\/\/)?(?<wildcard>\*\.)?(?<host>[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(:(?<port>\d{1,5}))?$/;

/** Whether a host, as URL normalizes it, is this machine. Only there is plain http allowed. */
export const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);

/**
 * Creates an allow-list of hosts.
 * @param entries each `host`, or `*.domain` for every host below it, for https on port 443 or `:port`; or `http://` and a loopback address,
 *   which allows plain http to it, for tests
 * @throws TypeError naming an invalid entry
 */
export function createServiceHosts(entries: readonly string[]): ServiceHosts {
  const rules = entries.map(ruleOf);
  return {
    allows: (serviceUrl) => {
      const url = URL.canParse(serviceUrl) ? new URL(serviceUrl) : undefined;
      if (!url || url.username || url.password || url.search || url.hash) return false;
      return rules.some((rule) => rule(url));
    },
  };
}

function ruleOf(entry: string): (url: URL) => boolean {
  const { scheme, wildcard, host = '', port } = ENTRY.exec(entry.toLowerCase())?.groups ?? {};
  const usable = scheme ? !wildcard && isLoopback(host) : !wildcard || host.includes('.');
  if (!host || !usable) throw new TypeError(`${entry} is not a host: a host name, *.domain, or http:// and a loopback address`);
  const protocol = scheme ? 'http:' : 'https:';
  const isHost = wildcard ? (name: string) => name.endsWith(`.${host}`) : (name: string) => name === host;
  // URL leaves out the scheme's default port.
  const isPort = (given: string) => (port === undefined ? scheme !== undefined || given === '' : (given || '443') === port);
  return (url) => url.protocol === protocol && isHost(url.hostname) && isPort(url.port);
}
