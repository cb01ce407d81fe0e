import { z } from 'zod';
import { DeliveryError } from '../delivery-error.ts';
import { type Fetch, joinUrl, jsonFields, NoResponseError, type PlatformResponse, request, retryAfterMs } from '../request.ts';
import { LoginError, type MicrosoftLogin } from './login.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { ServiceHosts } from './service-hosts.ts';

interface BotConnector extends Pick<Microsoft, 'openConversation' | 'sendActivity'> {
  /**
   * Checks, without changing anything, that the connector accepts the bot's token and knows the bot.
   * @throws DeliveryError if it does not
   */
  checkReach(bot: BotCredentials): Promise<void>;
}

/**
 * Statuses after which the same request may be sent again. 500 is not among them.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages#status-codes-from-bot-conversational-apis
 */
const RETRYABLE = new Set([412, 429, 502, 503, 504]);
/** Error codes that older forms of a response only contain in their text. */
const NAMED_CODES = /\b(ConversationBlockedByUser|BotNotInConversationRoster|BotDisabledByAdmin|BotNotRegistered)\b/;

const resource = z.object({ id: z.string().min(1) });

interface BotConnectorOptions {
  readonly login: MicrosoftLogin;
  /** The scope of the bots' tokens, e.g. `https://api.botframework.com/.default`. */
  readonly scope: string;
  /** The connector for users that no activity has come from, e.g. `https://smba.trafficmanager.net/teams/`. */
  readonly serviceUrl: string;
  /** Where the bots' tokens may be sent. */
  readonly hosts: ServiceHosts;
  readonly fetch: Fetch;
  /** For each request, in ms. */
  readonly timeoutMs: number;
}

/** A request to the connector: a POST of `body`, or a GET if there is none. */
interface ConnectorRequest {
  /** The connector's base URL. */
  readonly base: string;
  readonly path: string;
  readonly body?: unknown;
  /** The outcome if the request leaves and no response comes. */
  readonly unanswered: 'retry' | 'unknown';
}

/**
 * Creates a client of the Bot Framework's connector. It retries nothing except, with a new token, a request that got a 401.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
 */
export function createBotConnector(options: BotConnectorOptions): BotConnector {
  const { serviceUrl } = options;
  return {
    openConversation: async (bot, user) => {
      const base = user.serviceUrl ?? serviceUrl;
      const body = {
        bot: { id: `28:${bot.applicationId}` },
        isGroup: false,
        members: [{ id: user.objectId }],
        tenantId: bot.tenantId,
        channelData: { tenant: { id: bot.tenantId } },
      };
      // Teams returns the existing conversation of a bot and a user, so the request may be repeated.
      const conversationId = await create(options, bot, { base, path: 'v3/conversations', body, unanswered: 'retry' });
      if (conversationId === undefined)
        throw new DeliveryError('retry', 'UnreadableAnswer', 'The connector responded without a conversation.');
      return { serviceUrl: base, conversationId };
    },
    sendActivity: async (bot, { serviceUrl: base, conversationId }, text) => {
      const path = `v3/conversations/${encodeURIComponent(conversationId)}/activities`;
      const body = { type: 'message', text, textFormat: 'plain' };
      return { activityId: (await create(options, bot, { base, path, body, unanswered: 'unknown' })) ?? '' };
    },
    checkReach: async (bot) => {
      // There is no conversation of this name. Teams checks the token and the bot before it says so.
      const path = 'v3/conversations/verify-bot/members';
      const { response, refusal } = await send(options, bot, { base: serviceUrl, path, unanswered: 'retry' });
      const reached =
        response.status === 403 ? refusal.code === 'BotNotInConversationRoster' : [200, 400, 404, 405].includes(response.status);
      if (!reached) throw refused(response, refusal);
    },
  };
}

/** @returns the id of the created resource; `undefined` if the response broke off */
async function create(options: BotConnectorOptions, bot: BotCredentials, connectorRequest: ConnectorRequest): Promise<string | undefined> {
  const { response, refusal } = await send(options, bot, connectorRequest);
  if (response.status < 200 || response.status >= 300) throw refused(response, refusal);
  return resource.safeParse(jsonFields(response.text)).data?.id;
}

async function send(
  { login, scope, hosts, fetch, timeoutMs }: BotConnectorOptions,
  bot: BotCredentials,
  { base, path, body, unanswered }: ConnectorRequest,
): Promise<{ response: PlatformResponse; refusal: Refusal }> {
  if (!hosts.allows(base))
    throw new DeliveryError('refused', 'ServiceUrlNotAllowed', 'The service URL is not on the list of allowed hosts.');
  let token = '';
  const response = await login
    .sendAuthorized(bot, scope, (given) => {
      token = given;
      return request(fetch, joinUrl(base, path), {
        method: body === undefined ? 'GET' : 'POST',
        body: body === undefined ? undefined : JSON.stringify(body),
        headers: { authorization: `Bearer ${given}`, accept: 'application/json', 'content-type': 'application/json' },
        timeoutMs,
      });
    })
    .catch((error) => {
      if (error instanceof LoginError)
        throw new DeliveryError(error.outcome, error.code, error.message, error.retryAfterMs, { cause: error });
      if (error instanceof NoResponseError)
        throw new DeliveryError(error.sent ? unanswered : 'retry', error.code, error.message, undefined, { cause: error });
      throw error;
    });
  if (response.status === 401) login.forget(bot, scope, token);
  const { code, message } = refusalOf(response, [bot.clientSecret, token]);
  return { response, refusal: { code: message.match(NAMED_CODES)?.[0] ?? code, message } };
}

function refused(response: PlatformResponse, { code, message }: Refusal): DeliveryError {
  return RETRYABLE.has(response.status)
    ? new DeliveryError('retry', code, message, retryAfterMs(response))
    : new DeliveryError('refused', code, message);
}
