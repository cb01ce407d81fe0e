import { createHash, randomUUID } from 'node:crypto';
import { PlatformError } from '../../domain/errors.ts';
import { DeliveryError } from '../delivery-error.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';

/**
 * Stands in for Microsoft where none is configured. It knows no tenants: every well-formed address is a user of every tenant, with an
 * object id made of the two, except addresses at `.invalid` domains. It takes every text, and shows it to nobody.
 *
 * So that refusals can be seen:
 * - a bot whose applicationId, tenantId or clientSecret reads `invalid` gets no token, as at Microsoft's login
 * - users at `blocked.example` have blocked the bot (ConversationBlockedByUser, final)
 * - users at `busy.example` get too many messages (Throttled, to be tried again)
 */
export function createEmbeddedMicrosoft(): Microsoft {
  return {
    findUser: async (bot, address) => {
      const refusal = refusalOf(bot);
      if (refusal) throw new PlatformError(refusal.message, { detail: refusal.code });
      const name = address.toLowerCase();
      if (OBJECT_ID.test(name)) return { objectId: name, userPrincipalName: `${name.slice(0, 8)}@tenant.example` };
      if (!UPN.test(name) || name.endsWith('.invalid')) return undefined;
      return { objectId: objectIdOf(bot.tenantId, name), userPrincipalName: address };
    },
    openConversation: async (bot, { objectId, serviceUrl = SERVICE_URL }) => {
      refuse(bot);
      const id = digest(bot.applicationId, bot.tenantId, objectId);
      return { serviceUrl, conversationId: `a:${objectId.slice(0, MARK)}-${id}` };
    },
    sendActivity: async (bot, { conversationId }) => {
      refuse(bot);
      const mark = conversationId.slice(2, 2 + MARK);
      if (mark === BLOCKED) throw new DeliveryError('refused', 'ConversationBlockedByUser', 'User blocked the conversation with the bot.');
      if (mark === BUSY) throw new DeliveryError('retry', 'Throttled', 'Too many requests.', 1000);
      return { activityId: randomUUID() };
    },
    verifyBot: async (bot) => {
      const message = refusalOf(bot)?.message;
      return (['TOKEN', 'GRAPH', 'CONNECTOR'] as const).map((step) =>
        message ? { step, passed: false, message } : { step, passed: true },
      );
    },
  };
}

const UPN = /^[^\s@]+@[^\s@]+$/;
const OBJECT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** No connector has this address, so that a conversation from here is never taken for a real one. */
const SERVICE_URL = 'https://embedded.invalid/teams/';

/** How the object ids of users who refuse begin, and with them their conversations' ids: delivery knows no addresses. */
const MARK = 8;
const BLOCKED = 'b10c0ced';
const BUSY = 'b0000429';

function refusalOf({ applicationId, tenantId, clientSecret }: BotCredentials): { code: string; message: string } | undefined {
  if (tenantId === 'invalid') return { code: 'AADSTS90002', message: `AADSTS90002: Tenant '${tenantId}' not found.` };
  if (applicationId === 'invalid')
    return {
      code: 'AADSTS700016',
      message: `AADSTS700016: Application with identifier '${applicationId}' was not found in the directory.`,
    };
  if (clientSecret === 'invalid') return { code: 'AADSTS7000215', message: 'AADSTS7000215: Invalid client secret provided.' };
  return undefined;
}

function refuse(bot: BotCredentials): void {
  const refusal = refusalOf(bot);
  if (refusal) throw new DeliveryError('refused', refusal.code, refusal.message);
}

/** In the form of a UUID version 8 (RFC 9562): its bits are ours to choose. */
function objectIdOf(tenantId: string, name: string): string {
  const hex = digest(tenantId, name);
  const mark = name.endsWith('@blocked.example') ? BLOCKED : name.endsWith('@busy.example') ? BUSY : hex.slice(0, MARK);
  return `${mark}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const digest = (...parts: string[]): string => createHash('sha256').update(parts.join('\n')).digest('hex');
