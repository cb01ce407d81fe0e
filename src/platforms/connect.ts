import type { Settings } from '../env.ts';
import { SettingsError } from '../settings-error.ts';
import { type BotFrameworkVerifier, createBotFrameworkVerifier } from './microsoft/bot-framework-tokens.ts';
import { createEmbeddedMicrosoft } from './microsoft/embedded.ts';
import { createHttpMicrosoft } from './microsoft/http.ts';
import type { Microsoft } from './microsoft/microsoft.ts';
import { createServiceHosts, DEFAULT_SERVICE_HOSTS } from './microsoft/service-hosts.ts';
import { createOutbound, type Lookup } from './outbound.ts';
import { createEmbeddedRestcomm, type SmsReport } from './restcomm/embedded.ts';
import { createHttpRestcomm } from './restcomm/http.ts';
import type { Restcomm } from './restcomm/restcomm.ts';

export interface Platforms {
  readonly restcomm: Restcomm;
  readonly microsoft: Microsoft;
  /** Absent where Teams is the stand-in: it sends no requests. */
  readonly botFramework?: BotFrameworkVerifier;
}

export interface PlatformsOptions {
  readonly settings: Pick<Settings, 'restcomm' | 'microsoft'>;
  /** Told by the embedded carrier what Restcomm's status callback would tell. */
  readonly report: (report: SmsReport) => void;
  readonly isKnownAudience: (applicationId: string) => Promise<boolean>;
  /** How the names in URLs from outside become addresses; for tests. */
  readonly lookup?: Lookup;
}

/** The platforms that the settings name, and the embedded stand-in for each that they don't. @throws SettingsError for a service host that can't be used */
export function connectPlatforms({ settings, report, isKnownAudience, lookup }: PlatformsOptions): Platforms {
  if (settings.microsoft) requireAllowed(settings.microsoft.serviceUrl, settings.microsoft.serviceHosts ?? DEFAULT_SERVICE_HOSTS);
  const fetch = createOutbound({ isOwn: ownAddresses(settings), lookup });
  const restcomm = settings.restcomm ? createHttpRestcomm({ ...settings.restcomm, fetch }) : createEmbeddedRestcomm({ report });
  if (!settings.microsoft) return { restcomm, microsoft: createEmbeddedMicrosoft() };
  const { openIdUrl, serviceHosts = DEFAULT_SERVICE_HOSTS, ...addresses } = settings.microsoft;
  return {
    restcomm,
    microsoft: createHttpMicrosoft({ ...addresses, serviceHosts, fetch }),
    botFramework: createBotFrameworkVerifier({ openIdUrl, issuer: addresses.issuer, isKnownAudience, fetch }),
  };
}

/** What the operator wrote into the settings: platforms' addresses, and plain http to this machine among the service hosts. */
export function ownAddresses({ restcomm, microsoft }: PlatformsOptions['settings']): (url: URL) => boolean {
  const { loginUrl, graphUrl, serviceUrl, openIdUrl, serviceHosts = [] } = microsoft ?? {};
  const given = [restcomm?.url, loginUrl, graphUrl, serviceUrl, openIdUrl].filter((url) => url !== undefined);
  const origins = new Set(given.map((url) => new URL(url).origin));
  const here = createServiceHosts(serviceHosts.filter((host) => host.toLowerCase().startsWith('http://')));
  return ({ origin }) => origins.has(origin) || here.allows(origin);
}

function requireAllowed(serviceUrl: string, serviceHosts: readonly string[]): void {
  try {
    if (createServiceHosts(serviceHosts).allows(serviceUrl)) return;
  } catch (error) {
    throw new SettingsError(`BOT_SERVICE_HOSTS is invalid: ${error instanceof Error ? error.message : error}`);
  }
  throw new SettingsError(`BOT_SERVICE_URL is invalid (${serviceUrl}): its host is not one of BOT_SERVICE_HOSTS`);
}
