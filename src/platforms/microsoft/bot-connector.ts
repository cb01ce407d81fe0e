import { z } from 'zod';
import { DeliveryError } from '../delivery-error.ts';
import { type Answer, type Fetch, jsonFields, NoAnswerError, request, retryAfterMs, under } from '../request.ts';
import { LoginError, type MicrosoftLogin } from './login.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { ServiceHosts } from './service-hosts.ts';

export interface BotConnector extends Pick<Microsoft, 'openConversation' | 'sendActivity'> {
  /** Does the connector take this bot's token, and know the bot? Changes nothing. @throws DeliveryError */
  checkReach(bot: BotCredentials): Promise<void>;
}

/** May be repeated as they are ("Status codes from bot conversational APIs" in Teams' documentation). 500 is not among them. */
const PASSING = new Set([412, 429, 502, 503, 504]);
/** Refusals that older forms of the answer only name in their words. */
const NAMES = /\b(ConversationBlockedByUser|BotNotInConversationRoster|BotDisabledByAdmin|BotNotRegistered)\b/;

const resource = z.object({ id: z.string().min(1) });

/**
 * The Bot Framework's connector, as an enterprise's bot. Nothing is repeated here but a request that was answered 401, with a new token.
 *
 * @param options.serviceUrl where a user is reached of whom no activity was seen, e.g. `https://smba.trafficmanager.net/teams/`
 * @param options.scope of the bots' tokens, e.g. `https://api.botframework.com/.default`
 */
export function createBotConnector({
  login,
  scope,
  serviceUrl,
  hosts,
  fetch,
  timeoutMs,
}: {
  login: MicrosoftLogin;
  scope: string;
  serviceUrl: string;
  hosts: ServiceHosts;
  fetch: Fetch;
  timeoutMs: number;
}): BotConnector {
  /** @param unanswered the outcome where the request left and no answer came */
  async function send(
    bot: BotCredentials,
    { base, path, body }: { base: string; path: string; body?: unknown },
    unanswered: 'retry' | 'unknown',
  ): Promise<{ answer: Answer; refusal: Refusal }> {
    if (!hosts.allows(base)) throw new DeliveryError('refused', 'ServiceUrlNotAllowed', 'The service URL is not one of the allowed hosts.');
    let token = '';
    const answer = await login
      .authorized(bot, scope, (given) => {
        token = given;
        return request(fetch, under(base, path), {
          method: body === undefined ? 'GET' : 'POST',
          body: body === undefined ? undefined : JSON.stringify(body),
          headers: { authorization: `Bearer ${given}`, accept: 'application/json', 'content-type': 'application/json' },
          timeoutMs,
        });
      })
      .catch((error) => {
        if (error instanceof LoginError)
          throw new DeliveryError(error.outcome, error.code, error.message, error.retryAfterMs, { cause: error });
        if (error instanceof NoAnswerError)
          throw new DeliveryError(error.sent ? unanswered : 'retry', error.code, error.message, undefined, { cause: error });
        throw error;
      });
    if (answer.status === 401) login.forget(bot, scope, token);
    const { code, message } = refusalOf(answer, [bot.clientSecret, token]);
    return { answer, refusal: { code: message.match(NAMES)?.[0] ?? code, message } };
  }

  /** @returns the id of what was made; `undefined` where the answer broke off after it was made */
  async function create(
    bot: BotCredentials,
    call: { base: string; path: string; body: unknown },
    unanswered: 'retry' | 'unknown',
  ): Promise<string | undefined> {
    const { answer, refusal } = await send(bot, call, unanswered);
    if (answer.status < 200 || answer.status >= 300) throw refused(answer, refusal);
    return resource.safeParse(jsonFields(answer.text)).data?.id;
  }

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
      // Teams gives the same two the same conversation: asking again makes no second one.
      const conversationId = await create(bot, { base, path: 'v3/conversations', body }, 'retry');
      if (conversationId === undefined)
        throw new DeliveryError('retry', 'UnreadableAnswer', 'The connector answered without a conversation.');
      return { serviceUrl: base, conversationId };
    },
    sendActivity: async (bot, conversation, text) => {
      const path = `v3/conversations/${encodeURIComponent(conversation.conversationId)}/activities`;
      const body = { type: 'message', text, textFormat: 'plain' };
      return { activityId: (await create(bot, { base: conversation.serviceUrl, path, body }, 'unknown')) ?? '' };
    },
    checkReach: async (bot) => {
      // Teams tells about no conversation of this name, but first whether it takes the token and knows the bot.
      const { answer, refusal } = await send(bot, { base: serviceUrl, path: 'v3/conversations/verify-bot/members' }, 'retry');
      const reached = answer.status === 403 ? refusal.code === 'BotNotInConversationRoster' : [200, 400, 404, 405].includes(answer.status);
      if (!reached) throw refused(answer, refusal);
    },
  };
}

function refused(answer: Answer, { code, message }: Refusal): DeliveryError {
  return PASSING.has(answer.status)
    ? new DeliveryError('retry', code, message, retryAfterMs(answer))
    : new DeliveryError('refused', code, message);
}
