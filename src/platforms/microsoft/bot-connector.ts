import * as z from 'zod';
import { replaceUnstorable } from '../../domain/values/text.ts';
import { CurableError, DeliveryError, StaleConversationError } from '../delivery-error.ts';
import { type Fetch, joinUrl, jsonFields, NoResponseError, type PlatformResponse, request, retryAfterMs } from '../request.ts';
import type { Limiter } from './limiter.ts';
import type { MicrosoftLogin } from './login.ts';
import type { BotCredentials, ConversationReference, Microsoft } from './microsoft.ts';
import { connectorError } from './outcomes.ts';
import { type MicrosoftRefusal, refusalOf } from './refusal.ts';
import type { ServiceHosts } from './service-hosts.ts';

interface BotConnector extends Pick<Microsoft, 'openConversation' | 'sendActivity'> {
  /**
   * Checks, without changing anything, that the connector accepts the bot's token and knows the bot. Follows it where it names another one.
   * @returns the URL of the connector that does; `undefined` if the cloud has none in common, so that nobody was asked
   * @throws DeliveryError if it does not
   */
  checkReach(bot: BotCredentials): Promise<string | undefined>;
}

/** Error codes that older forms of a response only contain in their text. */
const NAMED_CODES = /\b(ConversationBlockedByUser|BotNotInConversationRoster|BotDisabledByAdmin|BotNotRegistered|InvalidBotApiHost)\b/;
/**
 * What Teams says, as BadArgument, of a conversation's id that is another bot's, and in its own outages of any
 * (https://github.com/MicrosoftDocs/msteams-docs/issues/9561).
 */
const UNREADABLE_CONVERSATION = /\bdecrypt conversation id\b/i;

const resource = z.object({ id: z.string().min(1).transform(replaceUnstorable) });

/** How long a request may wait for its turn by default, in ms. */
const MAX_WAIT_MS = 10_000;

interface BotConnectorOptions {
  readonly login: MicrosoftLogin;
  readonly limiter: Limiter;
  /** The scope of the bots' tokens, e.g. `https://api.botframework.com/.default`. */
  readonly scope: string;
  /** The connector for users that no activity has come from, e.g. `https://smba.trafficmanager.net/teams/`. Absent if the cloud has none in common. */
  readonly serviceUrl?: string;
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
  /** What it is for: the limits of a thread apply to a conversation, or to a user whose conversation is opened. */
  readonly thread: string;
  readonly maxWaitMs: number;
  /** The outcome if the request leaves and no response comes. */
  readonly unanswered: 'retry' | 'unknown';
  readonly beforeSend?: () => Promise<void>;
}

/**
 * Creates a client of the Bot Framework's connector. It retries nothing except, with a new token, a request that got a 401, and the opening of a
 * conversation at the connector that a response names.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
 */
export function createBotConnector(options: BotConnectorOptions): BotConnector {
  const { serviceUrl, hosts } = options;

  async function open(bot: BotCredentials, objectId: string, base: string | undefined, maxWaitMs: number): Promise<ConversationReference> {
    if (base === undefined) throw unknownService();
    const body = {
      bot: { id: `28:${bot.applicationId}` },
      isGroup: false,
      members: [{ id: objectId }],
      tenantId: bot.tenantId,
      channelData: { tenant: { id: bot.tenantId } },
    };
    // Teams returns the existing conversation of a bot and a user, so the request may be repeated.
    const given = { base, path: 'v3/conversations', body, thread: objectId, maxWaitMs, unanswered: 'retry' } as const;
    const { response, refusal } = await send(options, bot, given);
    if (refusal) throw movedOr(hosts, base, refusal, connectorError('opening', response.status, refusal, retryAfterMs(response)));
    const conversationId = resource.safeParse(jsonFields(response.text)).data?.id;
    if (conversationId === undefined)
      throw new DeliveryError('retry', 'UnreadableAnswer', 'The connector responded without a conversation.');
    return { serviceUrl: base, conversationId };
  }

  return {
    openConversation: async (bot, user, { maxWaitMs = MAX_WAIT_MS } = {}) => {
      const base = user.serviceUrl ?? serviceUrl;
      try {
        return await open(bot, user.objectId, base, maxWaitMs);
      } catch (error) {
        if (!(error instanceof StaleConversationError)) throw error;
        return open(bot, user.objectId, error.serviceUrl ?? serviceUrl, maxWaitMs);
      }
    },
    sendActivity: async (bot, { serviceUrl: base, conversationId }, activity, { maxWaitMs = MAX_WAIT_MS, beforeSend } = {}) => {
      const path = `v3/conversations/${encodeURIComponent(conversationId)}/activities`;
      const body = { type: 'message', textFormat: 'plain', ...(typeof activity === 'string' ? { text: activity } : activity) };
      const given = { base, path, body, thread: conversationId, maxWaitMs, unanswered: 'unknown', beforeSend } as const;
      const { response, refusal } = await send(options, bot, given);
      if (refusal) {
        const error = connectorError('posting', response.status, refusal, retryAfterMs(response));
        throw isGone(response, refusal) ? new StaleConversationError(error) : movedOr(hosts, base, refusal, error);
      }
      // The body may have broken off.
      return { activityId: resource.safeParse(jsonFields(response.text)).data?.id ?? '' };
    },
    checkReach: async (bot) => {
      if (serviceUrl === undefined) return undefined;
      try {
        return await reach(bot, serviceUrl);
      } catch (error) {
        if (!(error instanceof StaleConversationError) || error.serviceUrl === undefined) throw error;
        return reach(bot, error.serviceUrl);
      }
    },
  };

  async function reach(bot: BotCredentials, base: string): Promise<string> {
    // There is no conversation of this name. Teams checks the token and the bot before it says so.
    const path = 'v3/conversations/verify-bot/members';
    const given = { base, path, thread: path, maxWaitMs: MAX_WAIT_MS, unanswered: 'retry' } as const;
    const { response, refusal } = await send(options, bot, given);
    const { status } = response;
    if (!refusal || [400, 404, 405].includes(status) || (status === 403 && refusal.code === 'ConversationNotFound')) return base;
    const error = connectorError('opening', status, refusal, retryAfterMs(response));
    if (isOfTheConversation(error)) return base;
    throw movedOr(hosts, base, refusal, error);
  }
}

/** The code of an error for which Teams was not asked: nobody knows yet where a user's connector is. */
export const SERVICE_URL_UNKNOWN = 'ServiceUrlUnknown';

/** 21Vianet's cloud has no connector for all tenants. An activity names a user's: the installation of the app, or what they write. */
const unknownService = () =>
  new CurableError(
    'APP_NOT_INSTALLED',
    SERVICE_URL_UNKNOWN,
    "The cloud has no connector in common: the user's becomes known when the app is installed for them, or they write to the bot.",
  );

/** Whether a refusal is about the user or the conversation, so that Teams has taken the bot. */
const isOfTheConversation = (error: DeliveryError) =>
  error instanceof CurableError && ['APP_NOT_INSTALLED', 'USER_UNKNOWN'].includes(error.reason);

const isSuccess = ({ status }: PlatformResponse) => status >= 200 && status < 300;

/**
 * Whether a conversation cannot be posted to any more, and opening it anew may help: Teams does not know it, or it is one that the bot was
 * removed from (https://github.com/microsoft/BotFramework-Services/issues/344).
 */
const isGone = ({ status }: PlatformResponse, { code }: MicrosoftRefusal) =>
  status === 404 || status === 410 || (status < 500 && (code === 'BotNotInConversationRoster' || code === 'ConversationNotFound'));

/**
 * Recognizes that a tenant has another connector: that of a government cloud, which the refusal names.
 * @returns StaleConversationError with the other connector if tokens may be sent there, otherwise `error`
 */
function movedOr(hosts: ServiceHosts, base: string, { code, message }: MicrosoftRefusal, error: DeliveryError): DeliveryError {
  if (code !== 'InvalidBotApiHost' || error.outcome === 'unknown') return error;
  const named = /https?:\/\/[^\s"'`<>]+/.exec(message)?.[0].replace(/[.,;:)\]]+$/, '') ?? '';
  const other = URL.canParse(named) && new URL(named).pathname === '/' ? joinUrl(named, 'teams/') : named;
  return hosts.allows(other) && other !== base ? new StaleConversationError(error, other) : error;
}

async function send(
  { login, limiter, scope, hosts, fetch, timeoutMs }: BotConnectorOptions,
  bot: BotCredentials,
  { base, path, body, thread, maxWaitMs, unanswered, beforeSend }: ConnectorRequest,
): Promise<{ response: PlatformResponse; refusal?: MicrosoftRefusal }> {
  if (!hosts.allows(base))
    throw new CurableError('SERVICE_URL', 'ServiceUrlNotAllowed', 'The service URL is not on the list of allowed hosts.');
  let token = '';
  const response = await login
    .sendAuthorized(bot, scope, async (given) => {
      await limiter.turn(bot, thread, maxWaitMs);
      if (!token) await beforeSend?.();
      token = given;
      return request(fetch, joinUrl(base, path), {
        method: body === undefined ? 'GET' : 'POST',
        body: body === undefined ? undefined : JSON.stringify(body),
        headers: { authorization: `Bearer ${given}`, accept: 'application/json', 'content-type': 'application/json' },
        timeoutMs,
      });
    })
    .catch((error) => {
      if (error instanceof DeliveryError) limiter.holdBack(bot, error.retryAfterMs);
      if (!(error instanceof NoResponseError)) throw error;
      throw new DeliveryError(error.sent ? unanswered : 'retry', error.code, error.message, undefined, { cause: error });
    });
  if (response.status === 401) login.forget(bot, scope, token);
  if (isSuccess(response)) return { response };
  limiter.holdBack(bot, retryAfterMs(response));
  const { code, message } = refusalOf(response, [bot.clientSecret, token]);
  const named = UNREADABLE_CONVERSATION.test(message) ? 'ConversationNotFound' : message.match(NAMED_CODES)?.[0];
  return { response, refusal: { code: named ?? code, message } };
}
