import type { Settings } from '../env.ts';
import { SettingsError } from '../settings-error.ts';
import {
  type BotFrameworkVerifier,
  type BotFrameworkVerifierOptions,
  createBotFrameworkVerifier,
} from './microsoft/bot-framework-tokens.ts';
import { botFrameworksOf, cloudsWith, DEFAULT_SERVICE_HOSTS } from './microsoft/clouds.ts';
import { createEmbeddedMicrosoft } from './microsoft/embedded.ts';
import { createHttpMicrosoft } from './microsoft/http.ts';
import type { Microsoft } from './microsoft/microsoft.ts';
import { createPlayground, createPlaygroundVerifier, playgroundHosts } from './microsoft/playground.ts';
import { createServiceHosts, isLoopback, type ServiceHosts } from './microsoft/service-hosts.ts';
import { type ObserveCall, observedFetch, type ServiceName } from './observed.ts';
import { createOutbound, type Lookup } from './outbound.ts';
import type { Fetch } from './request.ts';
import { createEmbeddedRestcomm, type SmsReport } from './restcomm/embedded.ts';
import { createHttpRestcomm } from './restcomm/http.ts';
import type { Restcomm } from './restcomm/restcomm.ts';
import { createWebhookClient, type WebhookClient } from './webhooks/client.ts';

interface Platforms {
  readonly restcomm: Restcomm;
  readonly microsoft: Microsoft;
  readonly webhooks: WebhookClient;
  /** Absent if Microsoft is the embedded stand-in, which sends no requests. */
  readonly botFramework?: BotFrameworkVerifier;
}

interface PlatformsOptions {
  readonly settings: Pick<Settings, 'restcomm' | 'microsoft' | 'playground' | 'maxSegments' | 'publicUrl' | 'webhookHosts'>;
  /** Receives the embedded Restcomm's status reports, in place of a status callback. */
  readonly report: (report: SmsReport) => void;
  readonly isKnownAudience: BotFrameworkVerifierOptions['isKnownAudience'];
  /** Receives each request to a platform. The embedded stand-ins get none. */
  readonly observeCalls?: readonly ObserveCall[];
  /** Receives each request to a webhook endpoint. */
  readonly observeWebhooks?: ObserveCall;
  /** Resolves the host names in URLs from outside; for tests. */
  readonly lookup?: Lookup;
  /** Aborted when requests under way are to end, and no further one is to leave. */
  readonly cutOff?: AbortSignal;
}

/**
 * Creates the clients of the platforms that the settings name, and the embedded stand-in for each that they do not.
 * @throws SettingsError if BOT_SERVICE_HOSTS is invalid or does not contain the host of BOT_SERVICE_URL, PLAYGROUND_URL is not of this machine, or
 *   WEBHOOK_HOSTS is invalid
 */
export function connectPlatforms({
  settings,
  report,
  isKnownAudience,
  observeCalls = [],
  observeWebhooks,
  lookup,
  cutOff,
}: PlatformsOptions): Platforms {
  if (settings.playground) requireThisMachine(settings.playground.url);
  if (settings.microsoft) requireAllowed(settings.microsoft.serviceUrl, settings.microsoft.serviceHosts ?? DEFAULT_SERVICE_HOSTS);
  const outbound = createOutbound({ isConfigured: configuredUrls(settings), lookup, cutOff });
  const fetch = observeCalls.reduce<Fetch>((inner, observe) => observedFetch(inner, serviceIn(settings), observe), outbound);
  const { maxSegments } = settings;
  const webhooks = connectWebhooks(settings.webhookHosts, { lookup, cutOff, observe: observeWebhooks });
  const restcomm = settings.restcomm
    ? createHttpRestcomm({ ...settings.restcomm, maxSegments, fetch })
    : createEmbeddedRestcomm({ report, maxSegments });
  if (settings.playground) {
    const { url } = settings.playground;
    return {
      restcomm,
      webhooks,
      microsoft: createPlayground({ url, fetch }),
      botFramework: createPlaygroundVerifier({ url, isKnownAudience }),
    };
  }
  if (!settings.microsoft) return { restcomm, webhooks, microsoft: createEmbeddedMicrosoft() };
  const addresses = { ...settings.microsoft, serviceHosts: settings.microsoft.serviceHosts ?? DEFAULT_SERVICE_HOSTS };
  const frameworks = botFrameworksOf(cloudsWith(addresses));
  return {
    restcomm,
    webhooks,
    microsoft: createHttpMicrosoft({ ...addresses, fetch }),
    botFramework: createBotFrameworkVerifier({ frameworks, isKnownAudience, fetch }),
  };
}

/**
 * Builds the check for URLs that the operator configured: the platforms' own, the gateway's, and the plain http entries of BOT_SERVICE_HOSTS.
 * @returns whether a URL has the origin of one of them
 */
export function configuredUrls({ restcomm, microsoft, playground, publicUrl }: PlatformsOptions['settings']): (url: URL) => boolean {
  const { loginUrl, graphUrl, serviceUrl, openIdUrl, serviceHosts = playground ? playgroundHosts(playground.url) : [] } = microsoft ?? {};
  const given = [restcomm?.url, loginUrl, graphUrl, serviceUrl, openIdUrl, publicUrl].filter((url) => url !== undefined);
  const origins = new Set(given.map((url) => new URL(url).origin));
  const plainHttp = createServiceHosts(serviceHosts.filter((host) => host.toLowerCase().startsWith('http://')));
  return ({ origin }) => origins.has(origin) || plainHttp.allows(origin);
}

/** Builds the function that names the service at a URL: that of the longest setting that it begins with. Connectors may be at any address. */
function serviceIn({ restcomm, microsoft }: PlatformsOptions['settings']): (url: URL) => ServiceName {
  const clouds = microsoft ? Object.values(cloudsWith({ ...microsoft, serviceHosts: [] })) : [];
  const given = [
    ['restcomm', restcomm?.url] as const,
    ...clouds.flatMap(
      ({ loginUrl, graphUrl, serviceUrl, openIdUrl }) =>
        [
          ['login', loginUrl],
          ['graph', graphUrl],
          ['connector', serviceUrl],
          ['keys', openIdUrl],
        ] as const,
    ),
  ];
  const services = given
    .flatMap(([name, url]) => (url === undefined ? [] : [{ name, begin: new URL(url).href }]))
    .sort((one, other) => other.begin.length - one.begin.length);
  return ({ href }) => services.find(({ begin }) => href.startsWith(begin))?.name ?? 'connector';
}

function requireAllowed(serviceUrl: string, serviceHosts: readonly string[]): void {
  if (hostsOf('BOT_SERVICE_HOSTS', serviceHosts).allows(serviceUrl)) return;
  throw new SettingsError(`BOT_SERVICE_URL is invalid (${serviceUrl}): its host is not one of BOT_SERVICE_HOSTS`);
}

/** The platforms' own addresses are not among those that it may reach: endpoints are the organizations' choice. */
function connectWebhooks(
  hosts: readonly string[] = [],
  { observe, ...options }: Pick<PlatformsOptions, 'lookup' | 'cutOff'> & { readonly observe?: ObserveCall },
): WebhookClient {
  const permitted = hostsOf('WEBHOOK_HOSTS', hosts);
  const isPermitted = ({ origin }: URL) => permitted.allows(origin);
  const outbound = createOutbound({ isConfigured: isPermitted, ...options });
  return createWebhookClient({ fetch: observe ? observedFetch(outbound, () => 'webhook', observe) : outbound, isPermitted });
}

/** @throws SettingsError */
function hostsOf(name: 'BOT_SERVICE_HOSTS' | 'WEBHOOK_HOSTS', hosts: readonly string[]): ServiceHosts {
  try {
    return createServiceHosts(hosts);
  } catch (error) {
    throw new SettingsError(`${name} is invalid: ${error instanceof Error ? error.message : error}`);
  }
}

function requireThisMachine(url: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && isLoopback(hostname)) return;
  throw new SettingsError(
    `PLAYGROUND_URL is invalid (${url}): it takes http:// and an address of this machine, such as http://localhost:56150`,
  );
}
