/** The connectors that a bot's token may be sent to. */
export interface ServiceHosts {
  allows(serviceUrl: string): boolean;
}

/** Teams' connectors: the common one, those of other regions and clouds under Microsoft's own domains. */
export const DEFAULT_SERVICE_HOSTS = ['smba.trafficmanager.net', '*.botframework.com', '*.teams.microsoft.com'] as const;

const ENTRY = /^(?<scheme>http:\/\/)?(?<wildcard>\*\.)?(?<host>[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(:(?<port>\d{1,5}))?$/;

/** Is this host, as URL spells it, this machine? Nothing else may be spoken to in the clear. */
export const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);

/**
 * An allow-list of hosts. An entry is a host, or `*.` and a domain for every host below it: https, on port 443 unless it names one.
 * `http://` before a loopback address allows plain http to it, for tests.
 *
 * @throws TypeError naming an entry that can't be used
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
  if (!host || !usable) throw new TypeError(`${entry} is no host: a host name, *.domain, or http:// and a loopback address`);
  const protocol = scheme ? 'http:' : 'https:';
  const isHost = wildcard ? (name: string) => name.endsWith(`.${host}`) : (name: string) => name === host;
  // URL has no port where it is the scheme's own.
  const isPort = (given: string) => (port === undefined ? scheme !== undefined || given === '' : (given || '443') === port);
  return (url) => url.protocol === protocol && isHost(url.hostname) && isPort(url.port);
}
