import type { Fetch } from '../request.ts';
import { createAppChecks } from './app-checks.ts';
import { createAppInstallations } from './app-installations.ts';
import { checkEndpoint, checkIds, runCheck } from './bot-checks.ts';
import { createBotConnector } from './bot-connector.ts';
import { type Cloud, type CloudAddresses, cloudsWith } from './clouds.ts';
import { consentUrl } from './consent.ts';
import { createMicrosoftGraph } from './graph.ts';
import { createGraphRequests, graphScope } from './graph-requests.ts';
import { createGroupMembers } from './group-members.ts';
import { createLimiter, type Limiter } from './limiter.ts';
import { createMicrosoftLogin, credentialsOf } from './login.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';
import { createServiceHosts } from './service-hosts.ts';
import { createTenantIds } from './tenant-ids.ts';
import { createUserTokens } from './user-tokens.ts';

/** The addresses of the commercial cloud, which operators and tests may replace. */
interface HttpMicrosoftOptions extends Omit<CloudAddresses, 'openIdUrl' | 'serviceUrl'> {
  /** The connector for users that no activity has come from, e.g. `https://smba.trafficmanager.net/teams/`. `serviceHosts` must allow it. */
  readonly serviceUrl: string;
  /** The addresses of other clouds, for tests. */
  readonly clouds?: Partial<Readonly<Record<Cloud, CloudAddresses>>>;
  readonly fetch: Fetch;
  /** For each request, in ms. More than fetch's 10 s to connect, so that a timeout to connect is recognised as one. */
  readonly timeoutMs?: number;
}

/**
 * Creates the client of Microsoft: login, Graph and the Bot Framework's connector, of each cloud.
 * @throws TypeError if serviceHosts has an invalid entry or does not allow serviceUrl
 */
export function createHttpMicrosoft(options: HttpMicrosoftOptions): Microsoft {
  const { fetch, timeoutMs = 15_000, serviceUrl } = options;
  const limiter = createLimiter();
  // Graph's limits are its own: an import that reaches them delays no message.
  const graphLimiter = createLimiter();
  const addresses = { ...cloudsWith({ ...options, openIdUrl: '' }), ...options.clouds };
  if (!createServiceHosts(options.serviceHosts).allows(serviceUrl))
    throw new TypeError(`${serviceUrl} is not one of the allowed hosts: ${options.serviceHosts.join(', ')}`);
  const made = new Map<Cloud, CloudClient>();
  const clientOf = ({ cloud = 'COMMERCIAL' }: Pick<BotCredentials, 'cloud'>): CloudClient => {
    const client = made.get(cloud) ?? createCloudClient(cloud, addresses[cloud], { limiter, graphLimiter, fetch, timeoutMs });
    made.set(cloud, client);
    return client;
  };
  /** GCC's tenants look like commercial ones until the connector says otherwise. */
  const movedTo = ({ cloud = 'COMMERCIAL' }: BotCredentials, connector: string): { movedTo?: Cloud } => {
    const { serviceUrl: gcc = '' } = addresses.GCC;
    const isGcc = connector.startsWith(new URL(gcc).origin) && !connector.startsWith(serviceUrl.replace(/\/$/, ''));
    return cloud === 'COMMERCIAL' && isGcc ? { movedTo: 'GCC' } : {};
  };
  return {
    findUser: (bot, address) => clientOf(bot).graph.findUser(bot, address),
    groupMembers: (bot, ...given) => clientOf(bot).groups.groupMembers(bot, ...given),
    installApp: (bot, ...given) => clientOf(bot).apps.installApp(bot, ...given),
    openConversation: async (bot, user, turn) => {
      const opened = await clientOf(bot).connector.openConversation(bot, user, turn);
      return { ...opened, ...movedTo(bot, opened.serviceUrl) };
    },
    sendActivity: (bot, conversation, activity, sending) => clientOf(bot).connector.sendActivity(bot, conversation, activity, sending),
    heldBackMs: limiter.heldBackMs,
    graphHeldBackMs: graphLimiter.heldBackMs,
    pauseMs: limiter.pauseMs,
    resolveTenant: (domain, cloud) => clientOf({ cloud }).tenants.resolveTenant(domain),
    verifyUserToken: (app, token) => clientOf(app).users.verifyUserToken(app, token),
    verifyBot: async (bot, app) => {
      const { login, graph, connector, botScope, scopeOfGraph } = clientOf(bot);
      // A cached token may predate a permission that was granted, or a secret that was revoked.
      login.forget(bot, botScope);
      login.forget(bot, scopeOfGraph);
      const credentials = await credentialsOf(bot);
      const tokens =
        credentials.length > 0
          ? credentials.map((one) => () => login.tryCredential(bot, botScope, one))
          : [() => login.token(bot, botScope)];
      const [checks, others] = await Promise.all([
        Promise.all(tokens.map((ask) => runCheck('TOKEN', () => ask().then(() => undefined)))),
        Promise.all([
          runCheck('GRAPH', () => graph.checkPermissions(bot, app?.mustBeFound === false)),
          runCheck('CONNECTOR', async () => {
            const reached = await connector.checkReach(bot);
            return reached === undefined ? UNASKED : movedTo(bot, reached);
          }),
        ]),
      ]);
      return [await checkIds(bot), ...checks.map((check, index) => ({ ...check, ...sidOf(credentials[index]) })), ...others];
    },
    checkApp: (bot, app) => clientOf(bot).checkApp(bot, app),
    secretDates: (bot) => clientOf(bot).graph.secretDates(bot),
    checkEndpoint: (url) => checkEndpoint(fetch, url, timeoutMs),
    adminConsentUrl: ({ applicationId, tenantId, cloud = 'COMMERCIAL' }) => consentUrl(addresses[cloud].loginUrl, tenantId, applicationId),
  };
}

/** 21Vianet's connectors are known by activities only. */
const UNASKED = { isUnasked: true, message: 'Not checked: the cloud has no connector in common.' } as const;

const sidOf = (credential: object | undefined): { credentialSid?: string } =>
  credential && 'sid' in credential ? { credentialSid: credential.sid as string } : {};

interface CloudClientOptions {
  /** Of requests to the connector. */
  readonly limiter: Limiter;
  /** Of requests to Graph. */
  readonly graphLimiter: Limiter;
  readonly fetch: Fetch;
  readonly timeoutMs: number;
}

type CloudClient = ReturnType<typeof createCloudClient>;

/** Creates the clients of one cloud's services. */
function createCloudClient(
  cloud: Cloud,
  { loginUrl, graphUrl, serviceUrl, serviceHosts, issuer }: CloudAddresses,
  { limiter, graphLimiter, fetch, timeoutMs }: CloudClientOptions,
) {
  const botScope = `${issuer}/.default`;
  const login = createMicrosoftLogin({ loginUrl, botScope, fetch, timeoutMs });
  const requests = createGraphRequests({ login, limiter: graphLimiter, graphUrl, fetch, timeoutMs });
  const graph = createMicrosoftGraph(requests, cloud);
  return {
    ...{ login, botScope, scopeOfGraph: graphScope(graphUrl) },
    graph,
    groups: createGroupMembers(requests),
    apps: createAppInstallations(requests, cloud, serviceUrl),
    checkApp: createAppChecks(requests, cloud, graph),
    connector: createBotConnector({
      ...{ login, limiter, scope: botScope, serviceUrl, fetch, timeoutMs },
      hosts: createServiceHosts(serviceHosts),
    }),
    tenants: createTenantIds({ loginUrl, fetch, timeoutMs }),
    users: createUserTokens({ loginUrl, fetch }),
  };
}
