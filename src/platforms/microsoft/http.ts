import type { Fetch } from '../request.ts';
import { createBotConnector } from './bot-connector.ts';
import { createMicrosoftGraph, graphScope } from './graph.ts';
import { createMicrosoftLogin } from './login.ts';
import type { BotCheck, Microsoft } from './microsoft.ts';
import { createServiceHosts } from './service-hosts.ts';

/** Where Microsoft is. National clouds and tests have other addresses. */
export interface HttpMicrosoftOptions {
  /** e.g. `https://login.microsoftonline.com` */
  readonly loginUrl: string;
  /** e.g. `https://graph.microsoft.com` */
  readonly graphUrl: string;
  /** The connector for users of whom no activity was seen, e.g. `https://smba.trafficmanager.net/teams/`. Its host is on the list. */
  readonly serviceUrl: string;
  /** See src/platforms/service-hosts.ts. */
  readonly serviceHosts: readonly string[];
  /** Who signs the Bot Framework's requests, and whom the bots' tokens are for: `https://api.botframework.com`. */
  readonly issuer: string;
  readonly fetch: Fetch;
  /** For each request, in ms. Longer than the 10 s that fetch takes to connect, so that it is known when a request never left. */
  readonly timeoutMs?: number;
}

/**
 * Microsoft itself: login, Graph and the Bot Framework's connector.
 *
 * @throws TypeError where serviceHosts has an entry that can't be used, or does not allow serviceUrl
 */
export function createHttpMicrosoft(options: HttpMicrosoftOptions): Microsoft {
  const { loginUrl, graphUrl, serviceUrl, issuer, fetch, timeoutMs = 15_000 } = options;
  const hosts = createServiceHosts(options.serviceHosts);
  if (!hosts.allows(serviceUrl)) throw new TypeError(`${serviceUrl} is not one of the allowed hosts: ${options.serviceHosts.join(', ')}`);
  const scope = `${issuer}/.default`;
  const login = createMicrosoftLogin({ loginUrl, fetch, timeoutMs });
  const graph = createMicrosoftGraph({ login, graphUrl, fetch, timeoutMs });
  const connector = createBotConnector({ login, scope, serviceUrl, hosts, fetch, timeoutMs });
  return {
    findUser: graph.findUser,
    openConversation: connector.openConversation,
    sendActivity: connector.sendActivity,
    verifyBot: async (bot) => {
      // A token from before a permission was granted, or a secret was withdrawn, would tell of then.
      login.forget(bot, scope);
      login.forget(bot, graphScope(graphUrl));
      return Promise.all([
        verdict('TOKEN', () => login.token(bot, scope)),
        verdict('GRAPH', () => graph.checkPermission(bot)),
        verdict('CONNECTOR', () => connector.checkReach(bot)),
      ]);
    },
  };
}

async function verdict(step: BotCheck['step'], check: () => Promise<unknown>): Promise<BotCheck> {
  try {
    await check();
    return { step, passed: true };
  } catch (error) {
    return { step, passed: false, message: error instanceof Error ? error.message : String(error) };
  }
}
