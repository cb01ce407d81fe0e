import type { Fetch } from '../request.ts';
import { createAppInstallations } from './app-installations.ts';
import { createBotConnector } from './bot-connector.ts';
import { createMicrosoftGraph } from './graph.ts';
import { createGraphRequests, graphScope } from './graph-requests.ts';
import { createGroupMembers } from './group-members.ts';
import { createLimiter } from './limiter.ts';
import { createMicrosoftLogin } from './login.ts';
import type { BotCheck, Microsoft } from './microsoft.ts';
import { createServiceHosts } from './service-hosts.ts';
import { createTenantIds } from './tenant-ids.ts';

/** Microsoft's URLs. National clouds and tests have others. */
interface HttpMicrosoftOptions {
  /** e.g. `https://login.microsoftonline.com` */
  readonly loginUrl: string;
  /** e.g. `https://graph.microsoft.com` */
  readonly graphUrl: string;
  /** The connector for users that no activity has come from, e.g. `https://smba.trafficmanager.net/teams/`. `serviceHosts` must allow it. */
  readonly serviceUrl: string;
  /** Where bots' tokens may be sent; see createServiceHosts. */
  readonly serviceHosts: readonly string[];
  /** The issuer of the Bot Framework's tokens and the audience of the bots', e.g. `https://api.botframework.com`. */
  readonly issuer: string;
  readonly fetch: Fetch;
  /** For each request, in ms. More than fetch's 10 s to connect, so that a timeout to connect is recognised as one. */
  readonly timeoutMs?: number;
}

/**
 * Creates the client of Microsoft: login, Graph and the Bot Framework's connector.
 * @throws TypeError if serviceHosts has an invalid entry or does not allow serviceUrl
 */
export function createHttpMicrosoft(options: HttpMicrosoftOptions): Microsoft {
  const { loginUrl, graphUrl, serviceUrl, issuer, fetch, timeoutMs = 15_000 } = options;
  const hosts = createServiceHosts(options.serviceHosts);
  if (!hosts.allows(serviceUrl)) throw new TypeError(`${serviceUrl} is not one of the allowed hosts: ${options.serviceHosts.join(', ')}`);
  const scope = `${issuer}/.default`;
  const login = createMicrosoftLogin({ loginUrl, fetch, timeoutMs });
  const limiter = createLimiter();
  const requests = createGraphRequests({ login, limiter, graphUrl, fetch, timeoutMs });
  const graph = createMicrosoftGraph(requests);
  const connector = createBotConnector({ login, limiter, scope, serviceUrl, hosts, fetch, timeoutMs });
  return {
    findUser: graph.findUser,
    groupMembers: createGroupMembers(requests).groupMembers,
    installApp: createAppInstallations(requests, serviceUrl).installApp,
    openConversation: connector.openConversation,
    sendActivity: connector.sendActivity,
    heldBackMs: limiter.heldBackMs,
    pauseMs: limiter.pauseMs,
    resolveTenant: createTenantIds({ loginUrl, fetch, timeoutMs }).resolveTenant,
    verifyBot: async (bot) => {
      // A cached token may predate a permission that was granted, or a secret that was revoked.
      login.forget(bot, scope);
      login.forget(bot, graphScope(graphUrl));
      return Promise.all([
        runCheck('TOKEN', () => login.token(bot, scope)),
        runCheck('GRAPH', () => graph.checkPermission(bot)),
        runCheck('CONNECTOR', () => connector.checkReach(bot)),
      ]);
    },
  };
}

async function runCheck(step: BotCheck['step'], check: () => Promise<unknown>): Promise<BotCheck> {
  try {
    await check();
    return { step, passed: true };
  } catch (error) {
    return { step, passed: false, message: error instanceof Error ? error.message : String(error) };
  }
}
