import { randomBytes, randomUUID } from 'node:crypto';
import { type BotFramework, botFrameworksOf, type Cloud, type CloudAddresses, cloudsWith } from '../../src/platforms/microsoft/clouds.ts';
import type { BotCredentials } from '../../src/platforms/microsoft/microsoft.ts';
import { BOT_FRAMEWORK_ISSUER, type BotFrameworkSigner, createBotFrameworkSigner, type TokenOverrides } from './bot-framework-signer.ts';
import { createFakeEntra, type FakeEntra } from './entra.ts';
import { type FakeServer, startFakeServer } from './fake-server.ts';
import { answerConnector, answerGraph, answerLogin, answerTenant, conversationOf } from './microsoft-answers.ts';
import { answerApps, answerMembers } from './microsoft-apps.ts';
import type { FakeApp, FakeBot, FakeUser, MicrosoftRoute, MicrosoftState } from './microsoft-state.ts';
import { throttle } from './microsoft-throttle.ts';

/** A user's message as Teams sends it to a bot. */
export interface TeamsActivity {
  readonly type: string;
  readonly id: string;
  readonly timestamp: string;
  readonly serviceUrl: string;
  readonly channelId: string;
  readonly from: { readonly id: string; readonly name: string; readonly aadObjectId: string };
  readonly conversation: { readonly id: string; readonly conversationType: string; readonly tenantId: string };
  readonly recipient: { readonly id: string; readonly name: string };
  readonly channelData: { readonly tenant: { readonly id: string } };
  readonly text: string;
  readonly textFormat: string;
  readonly name?: string;
  readonly action?: string;
  readonly value?: unknown;
  readonly attachments?: readonly unknown[];
  readonly entities?: readonly unknown[];
  readonly membersAdded?: readonly { readonly id: string }[];
  readonly locale?: string;
}

export interface FakeMicrosoft extends FakeServer<MicrosoftRoute>, MicrosoftState {
  /** The clouds GCC High and DoD, which share their bots. */
  readonly us: FakeServer<MicrosoftRoute>;
  /** 21Vianet's, whose connector is known by activities only. */
  readonly china: FakeServer<MicrosoftRoute>;
  /** For createHttpMicrosoft and createBotFrameworkVerifier. */
  readonly settings: {
    readonly loginUrl: string;
    readonly graphUrl: string;
    readonly serviceUrl: string;
    readonly serviceHosts: readonly string[];
    readonly openIdUrl: string;
    readonly issuer: string;
    /** The other clouds. */
    readonly clouds: Partial<Readonly<Record<Cloud, CloudAddresses>>>;
    /** The Bot Frameworks of all of them. */
    readonly frameworks: readonly BotFramework[];
  };
  addBot(bot?: Partial<FakeBot>): FakeBot;
  addUser(user: Partial<FakeUser> & { tenantId: string }): FakeUser;
  /** Publishes a bot's app to the catalog of its tenant. */
  addApp(bot: BotCredentials, app?: Partial<FakeApp>): FakeApp;
  /** A message of the user to the bot, in their conversation. */
  activityFrom(bot: BotCredentials, user: FakeUser, text: string, changes?: Partial<TeamsActivity>): TeamsActivity;
  /** The `Authorization` header that Microsoft sends with an activity, or a wrong one. */
  signActivity(activity: TeamsActivity, overrides?: TokenOverrides): Promise<string>;
  /** Entra, which issues users' tokens for applications. */
  readonly entra: FakeEntra;
  rotateKeys: BotFrameworkSigner['rotate'];
  /** Those of the US government. */
  rotateGovernmentKeys: BotFrameworkSigner['rotate'];
  /** What the set of keys holds; tests may change it. */
  publishedKeys: BotFrameworkSigner['keys'];
  /** No token that was given is good any more. */
  revokeTokens(): void;
}

/** Microsoft's login, Graph, Bot connector, and the Bot Framework's keys, on one port of 127.0.0.1, and those of the US government and of 21Vianet on ports of their own. */
export async function startFakeMicrosoft(): Promise<FakeMicrosoft> {
  const signer = createBotFrameworkSigner();
  const state: MicrosoftState = {
    bots: [],
    users: [],
    apps: [],
    groups: new Map(),
    membersPerPage: 100,
    tokens: new Map(),
    assertions: new Set(),
    conversations: new Map(),
    activities: [],
    gccTenants: new Set(),
    domains: new Map(),
    opaqueTokens: false,
    tokenLifetime: 3599,
    throttled: [],
  };
  const usSigner = createBotFrameworkSigner(US_ISSUER);
  const entra = createFakeEntra();
  const start = async (cloud: Cloud, issuer: string, keys: BotFrameworkSigner['keys']): Promise<FakeServer<MicrosoftRoute>> => {
    const started: FakeServer<MicrosoftRoute> = await startFakeServer(routeOf, async (request) => {
      const at = { cloud, url: started.url, issuer };
      const tooMany = throttle(state, request);
      if (tooMany) return tooMany;
      switch (request.route) {
        case 'token':
          return answerLogin(state, request, at);
        case 'user':
        case 'users':
        case 'application':
          return answerGraph(state, request, at);
        case 'catalog':
        case 'install':
        case 'installed':
        case 'chat':
          return answerApps(state, request);
        case 'group':
          return answerMembers(state, request, started.url);
        case 'openid':
          return { status: 200, body: { issuer, jwks_uri: `${started.url}${KEYS}` } };
        case 'tenant':
          return answerTenant(state, request, at);
        case 'entraKeys':
          return { status: 200, body: { keys: await entra.keys() } };
        case 'keys':
          return { status: 200, body: { keys: await keys() } };
        default:
          return answerConnector(state, request, at);
      }
    });
    return started;
  };
  const server = await start('COMMERCIAL', BOT_FRAMEWORK_ISSUER, signer.keys);
  const us = await start('GCC_HIGH', US_ISSUER, usSigner.keys);
  const chinaSigner = createBotFrameworkSigner(CHINA_ISSUER);
  const china = await start('CHINA', CHINA_ISSUER, chinaSigner.keys);
  const addressesOf = ({ url }: { readonly url: string }, issuer: string) => ({
    loginUrl: `${url}/login`,
    graphUrl: url,
    serviceUrl: `${url}/teams/`,
    serviceHosts: [url],
    openIdUrl: `${url}${OPENID}`,
    issuer,
  });
  const commercial = addressesOf(server, BOT_FRAMEWORK_ISSUER);
  const government = addressesOf(us, US_ISSUER);
  const clouds = {
    GCC: { ...commercial, serviceUrl: `${server.url}/gcc` },
    ...{ GCC_HIGH: government, DOD: government },
    CHINA: { ...addressesOf(china, CHINA_ISSUER), serviceUrl: undefined },
  };
  const connectorOf = (cloud: Cloud = 'COMMERCIAL') =>
    cloud === 'CHINA' ? `${china.url}/teams/` : cloud === 'GCC_HIGH' || cloud === 'DOD' ? government.serviceUrl : commercial.serviceUrl;
  const signerAt = (serviceUrl: string) =>
    serviceUrl.startsWith(china.url) ? chinaSigner : serviceUrl.startsWith(us.url) ? usSigner : signer;

  return Object.assign(state, server, {
    us,
    china,
    entra,
    settings: { ...commercial, clouds, frameworks: botFrameworksOf({ ...cloudsWith(commercial), ...clouds }) },
    close: async () => void (await Promise.all([server.close(), us.close(), china.close()])),
    addBot: (bot: Partial<FakeBot> = {}) => {
      const added = {
        applicationId: randomUUID(),
        tenantId: randomUUID(),
        clientSecret: `${randomBytes(6).toString('hex')}~Canary+/=`,
        permissions: [...GRANTED],
        registered: true,
        secretExpired: false,
        secrets: [],
        certificates: [],
        secretEnds: [],
        ...bot,
      };
      const whole = { botTenant: state.domains.get(added.tenantId) ?? added.tenantId, ...added };
      state.bots.push(whole);
      return whole;
    },
    addUser: (user: Partial<FakeUser> & { tenantId: string }) => {
      const objectId = randomUUID();
      const userPrincipalName = `${objectId.slice(0, 8)}@contoso.example`;
      const added = { objectId, userPrincipalName, accountEnabled: true, blocked: false, ...inTeams(), ...user };
      state.users.push(added);
      return added;
    },
    addApp: ({ tenantId, applicationId }: BotCredentials, app: Partial<FakeApp> = {}) => {
      const added = { id: randomUUID(), externalId: applicationId, tenantId, webApplicationId: applicationId, ...published(), ...app };
      state.apps.push(added);
      return added;
    },
    activityFrom: (bot: BotCredentials, user: FakeUser, text: string, changes: Partial<TeamsActivity> = {}) => {
      const { applicationId } = bot;
      return {
        type: 'message',
        id: String(Date.now()) + randomBytes(3).readUIntBE(0, 3),
        timestamp: new Date().toISOString(),
        serviceUrl: connectorOf(bot.cloud),
        channelId: 'msteams',
        from: { id: `29:${user.objectId}`, name: user.userPrincipalName, aadObjectId: user.objectId },
        conversation: { id: conversationOf(state, applicationId, user), conversationType: 'personal', tenantId: user.tenantId },
        recipient: { id: `28:${applicationId}`, name: 'SMS' },
        channelData: { tenant: { id: user.tenantId } },
        text,
        textFormat: 'plain',
        ...changes,
      };
    },
    signActivity: (activity: TeamsActivity, overrides?: TokenOverrides) =>
      signerAt(activity.serviceUrl).sign(activity, activity.recipient.id.replace(/^28:/, ''), overrides),
    rotateKeys: signer.rotate,
    rotateGovernmentKeys: usSigner.rotate,
    publishedKeys: signer.keys,
    revokeTokens: () => state.tokens.clear(),
  });
}

/** What messages need, unless a test says otherwise. */
const GRANTED = ['User.Read.All', 'TeamsAppInstallation.ReadWriteSelfForUser.All', 'AppCatalog.Read.All'] as const;
const inTeams = () => ({ installed: true, opens: false, inTeams: true }) satisfies Partial<FakeUser>;
const published = () => ({ versions: ['1.1.0'], publishingState: 'published' }) satisfies Partial<FakeApp>;

const US_ISSUER = 'https://api.botframework.us';
const CHINA_ISSUER = 'https://api.botframework.azure.cn';
const OPENID = '/v1/.well-known/openidconfiguration';
const KEYS = '/v1/.well-known/keys';

function routeOf(method: string, path: string): MicrosoftRoute | undefined {
  const is = (expected: string, pattern: RegExp) => method === expected && pattern.test(path);
  if (is('POST', /^\/login\/[^/?]+\/oauth2\/v2\.0\/token$/)) return 'token';
  if (is('GET', /^\/v1\.0\/appCatalogs\/teamsApps\?/)) return 'catalog';
  if (is('POST', /^\/v1\.0\/users\/[^/?]+\/teamwork\/installedApps$/)) return 'install';
  if (is('GET', /^\/v1\.0\/users\/[^/?]+\/teamwork\/installedApps\?/)) return 'installed';
  if (is('GET', /^\/v1\.0\/users\/[^/?]+\/teamwork\/installedApps\/[^/?]+\/chat$/)) return 'chat';
  if (is('GET', /^\/v1\.0\/groups\/[^/?]+\/transitiveMembers\/microsoft\.graph\.user\?/)) return 'group';
  if (is('GET', /^\/v1\.0\/applications\(appId='[^/?]+'\)\?/)) return 'application';
  if (is('GET', /^\/v1\.0\/users\?/)) return 'users';
  if (is('GET', /^\/v1\.0\/users(\/[^/?]+|\('[^/?]+'\))\?/)) return 'user';
  if (is('POST', /^\/(teams|gcc)\/v3\/conversations$/)) return 'conversations';
  if (is('POST', /^\/(teams|gcc)\/v3\/conversations\/[^/?]+\/activities$/)) return 'activities';
  if (is('GET', /^\/(teams|gcc)\/v3\/conversations\/[^/?]+\/members$/)) return 'members';
  if (is('GET', /^\/v1\/\.well-known\/openidconfiguration$/)) return 'openid';
  if (is('GET', /^\/v1\/\.well-known\/keys$/)) return 'keys';
  if (is('GET', /^\/login\/[^/?]+(\/v2\.0)?\/\.well-known\/openid-configuration$/)) return 'tenant';
  if (is('GET', /^\/login\/[^/?]+\/discovery(\/v2\.0)?\/keys$/)) return 'entraKeys';
  return undefined;
}
