// Microsoft's clouds. Each has a login, a Graph and a Bot Framework of its own, except GCC, which has only a connector of its own.
//
// Sources:
// - login: https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
// - Graph: https://learn.microsoft.com/graph/deployments
// - connectors: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages and
//   https://microsoft.github.io/Agents-for-js/variables/_microsoft_agents-hosting.TeamsServiceEndpoints.html
// - the Bot Framework of the US government: https://learn.microsoft.com/azure/bot-service/how-to-deploy-gov-cloud-high and
//   GovernmentAuthenticationConstants of the Bot Framework's SDK
// - 21Vianet: https://learn.microsoft.com/azure/bot-service/how-to-deploy-china-cloud and CloudEnvironment of Microsoft's Teams SDK

/**
 * - `COMMERCIAL`: the worldwide cloud
 * - `GCC`: Office 365 Government Community Cloud
 * - `GCC_HIGH`, `DOD`: Azure Government
 * - `CHINA`: Azure China, operated by 21Vianet
 */
export const clouds = ['COMMERCIAL', 'GCC', 'GCC_HIGH', 'DOD', 'CHINA'] as const;
export type Cloud = (typeof clouds)[number];

/** Where a cloud is. */
export interface CloudAddresses {
  /** Login, which issues the bots' tokens. */
  readonly loginUrl: string;
  readonly graphUrl: string;
  /** The connector for users that no activity has come from. Absent if the cloud has none in common: activities name it. */
  readonly serviceUrl?: string;
  /** Where bots' tokens may be sent; see createServiceHosts. */
  readonly serviceHosts: readonly string[];
  /** The issuer of the Bot Framework's tokens and the audience of the bots'. */
  readonly issuer: string;
  /** The OpenID configuration that names the Bot Framework's signing keys. */
  readonly openIdUrl: string;
}

/** Teams' connectors: the common one, and those of regions and government clouds (GCC, GCC High, DoD) under Microsoft's own domains. */
export const DEFAULT_SERVICE_HOSTS = [
  'smba.trafficmanager.net',
  '*.botframework.com',
  '*.teams.microsoft.com',
  '*.teams.microsoft.us',
] as const;

const GOVERNMENT = {
  loginUrl: 'https://login.microsoftonline.us',
  serviceHosts: ['*.teams.microsoft.us', '*.botframework.azure.us'],
  issuer: 'https://api.botframework.us',
  openIdUrl: 'https://login.botframework.azure.us/v1/.well-known/openidconfiguration',
} as const;

/** The clouds apart from COMMERCIAL, whose addresses are settings, and GCC, which is there except for its connector. */
const OTHERS = {
  GCC_HIGH: { ...GOVERNMENT, graphUrl: 'https://graph.microsoft.us', serviceUrl: 'https://smba.infra.gov.teams.microsoft.us/teams' },
  DOD: { ...GOVERNMENT, graphUrl: 'https://dod-graph.microsoft.us', serviceUrl: 'https://smba.infra.dod.teams.microsoft.us/teams' },
  CHINA: {
    loginUrl: 'https://login.partner.microsoftonline.cn',
    graphUrl: 'https://microsoftgraph.chinacloudapi.cn',
    serviceHosts: ['*.botframework.azure.cn', 'frontend.botapi.msg.infra.teams.microsoftonline.cn'],
    issuer: 'https://api.botframework.azure.cn',
    openIdUrl: 'https://login.botframework.azure.cn/v1/.well-known/openidconfiguration',
  },
} as const satisfies Partial<Record<Cloud, CloudAddresses>>;

const GCC_SERVICE_URL = 'https://smba.infra.gcc.teams.microsoft.com/teams';

/**
 * Whether an application can install apps for users through Graph, and see who has them. In GCC High and DoD it can do neither, and 21Vianet's cloud has
 * no such API: https://learn.microsoft.com/graph/teamwork-national-cloud-differences
 */
export const installsApps = (cloud: Cloud): boolean => cloud === 'COMMERCIAL' || cloud === 'GCC';

/** Whether Graph lists a cloud's app catalog: https://learn.microsoft.com/graph/api/appcatalogs-list-teamsapps */
export const hasCatalog = (cloud: Cloud): boolean => cloud !== 'CHINA';

/** Why the gateway does not install the app in the other clouds, and how to install it there. */
export const NO_INSTALLS =
  'In this cloud, Microsoft Graph installs no apps for applications. Install the app in the Teams admin center: Teams apps, Setup policies, Installed apps.';

/** The tenants of the Bot Framework itself, which issue tokens for multi-tenant applications registered with it. */
const BOT_FRAMEWORK_TENANTS: Readonly<Record<Cloud, string>> = {
  COMMERCIAL: 'botframework.com',
  GCC: 'botframework.com',
  GCC_HIGH: 'MicrosoftServices.onmicrosoft.us',
  DOD: 'MicrosoftServices.onmicrosoft.us',
  CHINA: 'microsoftservices.partner.onmschina.cn',
};

/**
 * Whose login issues a bot's tokens for the Bot Framework. Graph's tokens are always of the customer's tenant.
 * - `TENANT`: the customer's tenant, in which the application is
 * - `HOME`: the application's own tenant: a provider's single-tenant application that is used in customers' tenants
 * - `MULTI_TENANT`: the Bot Framework's tenant, for multi-tenant bots, which Azure no longer creates
 *
 * https://learn.microsoft.com/azure/bot-service/bot-builder-authentication
 */
export const authorities = ['TENANT', 'HOME', 'MULTI_TENANT'] as const;
export type Authority = (typeof authorities)[number];

/**
 * The tenant whose login issues a bot's tokens for the Bot Framework.
 * @returns `undefined` for the customer's own
 */
export function loginTenantOf(cloud: Cloud, authority: Authority, homeTenantId: string | null): string | undefined {
  if (authority === 'MULTI_TENANT') return BOT_FRAMEWORK_TENANTS[cloud];
  return authority === 'HOME' ? (homeTenantId ?? undefined) : undefined;
}

/** All clouds' addresses. @param commercial those of COMMERCIAL, which settings may replace; GCC follows them */
export function cloudsWith(commercial: CloudAddresses): Readonly<Record<Cloud, CloudAddresses>> {
  return { COMMERCIAL: commercial, GCC: { ...commercial, serviceUrl: GCC_SERVICE_URL }, ...OTHERS };
}

/** The Bot Framework of one or several clouds. */
export interface BotFramework extends Pick<CloudAddresses, 'issuer' | 'openIdUrl'> {
  readonly clouds: readonly Cloud[];
}

/** The Bot Frameworks of all clouds, the commercial one first: each signs activities with keys of its own. */
export function botFrameworksOf(addresses: Readonly<Record<Cloud, CloudAddresses>>): readonly BotFramework[] {
  const own = (of: Cloud) => clouds.filter((cloud) => addresses[cloud].issuer === addresses[of].issuer);
  const firsts = clouds.filter((cloud) => own(cloud)[0] === cloud);
  return firsts.map((cloud) => ({ issuer: addresses[cloud].issuer, openIdUrl: addresses[cloud].openIdUrl, clouds: own(cloud) }));
}
