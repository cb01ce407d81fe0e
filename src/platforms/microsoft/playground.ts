import * as z from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { parseJson } from '../../json.ts';
import { DeliveryError } from '../delivery-error.ts';
import { type Fetch, joinUrl, NoResponseError, request } from '../request.ts';
import { checkEndpoint, runCheck } from './bot-checks.ts';
import { createBotConnector } from './bot-connector.ts';
import { BotFrameworkRefusal, type BotFrameworkVerifier, type BotFrameworkVerifierOptions } from './bot-framework-tokens.ts';
import { clouds } from './clouds.ts';
import { createLimiter } from './limiter.ts';
import type { MicrosoftLogin } from './login.ts';
import type { Microsoft } from './microsoft.ts';
import { createServiceHosts, isLoopback } from './service-hosts.ts';

// Microsoft 365 Agents Playground (@microsoft/m365agentsplayground): a chat like Teams' in a browser, for trying out. It has one made-up tenant, signs
// nothing and asks for no token, so it must run on this machine.

interface PlaygroundOptions {
  /** Its base URL, on this machine, e.g. `http://localhost:56150`. */
  readonly url: string;
  readonly fetch: Fetch;
  /** For each request, in ms. */
  readonly timeoutMs?: number;
}

/** The team that the playground's users are all members of, in its own configuration and in that of `npm run demo:teams`. */
export const PLAYGROUND_TEAM = 'team-id';

const members = z.array(
  z.object({ id: z.string().min(1), objectId: z.string().min(1), userPrincipalName: z.string(), tenantId: z.string() }),
);

/** Creates the client of the playground: the Bot Framework's connector, and the playground's users in place of Microsoft Graph's. */
export function createPlayground({ url, fetch, timeoutMs = 15_000 }: PlaygroundOptions): Microsoft {
  const serviceUrl = joinUrl(url, '_connector');
  const hosts = createServiceHosts(playgroundHosts(url));
  const limiter = createLimiter();
  const { checkReach, ...connector } = createBotConnector({
    login: WITHOUT_LOGIN,
    limiter,
    scope: '',
    serviceUrl,
    hosts,
    fetch,
    timeoutMs,
  });

  async function users(tenantId: string): Promise<z.output<typeof members>> {
    const { status, text, host } = await request(fetch, joinUrl(serviceUrl, `v3/conversations/${PLAYGROUND_TEAM}/members`), {
      timeoutMs,
    }).catch((error) => {
      throw error instanceof NoResponseError ? new PlatformError(error.message, { detail: error.code, cause: error }) : error;
    });
    const parsed = members.safeParse(parseJson(text));
    if (!parsed.success) throw new PlatformError(`${host} responded with status ${status} and no users.`);
    return parsed.data.filter((user) => isSame(user.tenantId, tenantId));
  }

  return {
    ...connector,
    heldBackMs: limiter.heldBackMs,
    graphHeldBackMs: () => 0,
    pauseMs: limiter.pauseMs,
    // Its tenant has no other name.
    resolveTenant: async () => undefined,
    // The playground has no Entra, which could issue a token.
    verifyUserToken: async () => undefined,
    findUser: async ({ tenantId }, address) => {
      const found = (await users(tenantId)).find((user) => isSame(user.userPrincipalName, address) || isSame(user.objectId, address));
      return found && { objectId: found.objectId };
    },
    // Its tenant has no groups.
    groupMembers: async function* () {},
    // Its users have the one app.
    installApp: async () => ({ wasInstalled: true }),
    openConversation: async (bot, user, turn) => {
      // Teams takes object ids here, the playground only its own ids: for another it would open a conversation that it shows nowhere.
      const found = await users(bot.tenantId).catch((error: PlatformError) => {
        throw new DeliveryError('retry', 'Unreachable', error.message, undefined, { cause: error });
      });
      const member = found.find(({ objectId }) => isSame(objectId, user.objectId));
      return connector.openConversation(bot, { ...user, objectId: member?.id ?? user.objectId }, turn);
    },
    verifyBot: async (bot) =>
      Promise.all([
        runCheck('TOKEN', async () => undefined),
        runCheck('GRAPH', async () => {
          if ((await users(bot.tenantId)).length === 0) throw new PlatformError(`The playground has no tenant ${bot.tenantId}.`);
          return undefined;
        }),
        runCheck('CONNECTOR', () => checkReach(bot).then(() => undefined)),
      ]),
    checkApp: async (_bot, { userAddress }) =>
      (['CATALOG', ...(userAddress === undefined ? [] : ['INSTALLATION' as const])] as const).map((step) => ({ step, passed: true })),
    secretDates: async () => [],
    checkEndpoint: (endpoint) => checkEndpoint(fetch, endpoint, timeoutMs),
    // It has no administrators.
    adminConsentUrl: () => url,
  };
}

/** The playground asks for no token. */
const WITHOUT_LOGIN: MicrosoftLogin = {
  token: async () => 'none',
  tryCredential: async () => {},
  forget: () => {},
  sendAuthorized: (_bot, _scope, send) => send('none'),
};

/**
 * Creates the check of the playground's activities, in place of the Bot Framework's tokens: the playground names its bot in the activity itself.
 * Only requests that `isFromPlayground` may reach it.
 * @param options.isKnownAudience whether there is a bot with this applicationId
 */
export function createPlaygroundVerifier({
  url,
  isKnownAudience,
}: {
  url: string;
  isKnownAudience: BotFrameworkVerifierOptions['isKnownAudience'];
}): BotFrameworkVerifier {
  const hosts = createServiceHosts(playgroundHosts(url));
  return {
    verify: async (_authorizationHeader, { serviceUrl, recipient }: { serviceUrl?: unknown; recipient?: { id?: string } }) => {
      if (typeof serviceUrl !== 'string' || !hosts.allows(serviceUrl))
        throw new BotFrameworkRefusal('service-url', "The activity's serviceUrl is not the playground's (PLAYGROUND_URL).");
      const applicationId = recipient?.id?.replace(/^28:/, '') ?? '';
      if (!(await isKnownAudience(applicationId, clouds)))
        throw new BotFrameworkRefusal('audience', "The playground's bot is not a bot of this gateway.");
      return { applicationId, clouds };
    },
  };
}

/**
 * Whether a request comes from the playground on this machine. The header cannot be set by a page of another site, and a page that has made its own
 * name lead here (DNS rebinding) is known by that name.
 * @param socketAddress the address of the connection itself: headers prove nothing
 */
export function isFromPlayground(
  { headers, url }: { headers: Pick<Headers, 'get' | 'has'>; url: string },
  socketAddress: string | undefined,
): boolean {
  return (
    isLoopback((socketAddress ?? '').replace(/^::ffff:/, '').replace(/^::1$/, '[::1]')) &&
    isLoopback(new URL(url).hostname) &&
    headers.get('x-ms-agents-playground') === 'true' &&
    ['forwarded', 'x-forwarded-for', 'origin'].every((name) => !headers.has(name))
  );
}

/** The entries of the allow-list of connectors (createServiceHosts) that stand for the playground, by any name of this machine. */
export function playgroundHosts(url: string): string[] {
  const { port } = new URL(url);
  return ['localhost', '127.0.0.1', '[::1]'].map((host) => (port ? `http://${host}:${port}` : `http://${host}`));
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
