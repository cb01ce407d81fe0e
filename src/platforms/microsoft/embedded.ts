import { createHash, randomUUID } from 'node:crypto';
import { PlatformError } from '../../domain/errors.ts';
import { isUserPrincipalName } from '../../domain/values/text.ts';
import { CurableError, DeliveryError } from '../delivery-error.ts';
import { runCheck } from './bot-checks.ts';
import { consentUrl } from './consent.ts';
import type { BotCheck, BotCredentials, Microsoft } from './microsoft.ts';

/**
 * Creates a stand-in for Microsoft. Every well-formed address is a user of every tenant, with an object id derived from both, except
 * addresses at `.invalid` domains. It accepts every text and shows it to nobody.
 *
 * Every group has two members, with numbers derived from the tenant and the group. Some requests fail, to try out failures:
 * - a group whose id consists of zeros does not exist
 * - a bot whose applicationId, tenantId or clientSecret is `invalid` gets no token, as from Microsoft's login (curable)
 * - users at `blocked.example` have blocked the bot (ConversationBlockedByUser, final)
 * - users at `busy.example` receive too many messages (Throttled, retried)
 */
export function createEmbeddedMicrosoft(): Microsoft {
  return {
    findUser: async (bot, address) => {
      const refusal = refusalOf(bot);
      if (refusal) throw new PlatformError(refusal.message, { detail: refusal.code, cause: refusal });
      const name = address.toLowerCase();
      if (OBJECT_ID.test(name)) return { objectId: name };
      if (!isUserPrincipalName(name) || name.endsWith('.invalid')) return undefined;
      return { objectId: objectIdOf(bot.tenantId, name) };
    },
    groupMembers: async function* (bot, groupId) {
      const refusal = refusalOf(bot);
      if (refusal) throw new PlatformError(refusal.message, { detail: refusal.code, cause: refusal });
      if (/^[0-]+$/.test(groupId)) throw new PlatformError(`Resource '${groupId}' does not exist.`, { detail: 'Request_ResourceNotFound' });
      for (const name of ['anna', 'bert']) {
        const digits = (Number.parseInt(digest(bot.tenantId, groupId, name).slice(0, 8), 16) % 100_000_000).toString().padStart(8, '0');
        yield {
          userPrincipalName: `${name}@${groupId.slice(0, 8)}.example`,
          displayName: name,
          businessPhones: [`+4930${digits}`],
          mobilePhone: `+49151${digits}`,
        };
      }
    },
    // Its users have every app.
    installApp: async () => ({ wasInstalled: true }),
    openConversation: async (bot, { objectId, serviceUrl = SERVICE_URL }) => {
      requireValid(bot);
      const id = digest(bot.applicationId, bot.tenantId, objectId);
      return { serviceUrl, conversationId: `a:${objectId.slice(0, MARK_LENGTH)}-${id}` };
    },
    sendActivity: async (bot, { conversationId }, _text, { beforeSend } = {}) => {
      requireValid(bot);
      await beforeSend?.();
      const mark = conversationId.slice(2, 2 + MARK_LENGTH);
      if (mark === BLOCKED) throw new DeliveryError('refused', 'ConversationBlockedByUser', 'User blocked the conversation with the bot.');
      if (mark === BUSY) throw new DeliveryError('retry', 'Throttled', 'Too many requests.', 1000);
      return { activityId: randomUUID() };
    },
    heldBackMs: () => 0,
    graphHeldBackMs: () => 0,
    pauseMs: () => 0,
    // Its tenants have no other names.
    resolveTenant: async () => undefined,
    // The stand-in has no Entra, which could issue a token.
    verifyUserToken: async () => undefined,
    verifyBot: async (bot) => {
      const check = (step: BotCheck['step']) =>
        runCheck(step, async () => {
          requireValid(bot);
          return undefined;
        });
      return Promise.all((['TOKEN', 'GRAPH', 'CONNECTOR'] as const).map(check));
    },
    checkApp: async (bot, { userAddress }) => {
      const refusal = refusalOf(bot);
      const verdict = refusal ? { passed: false, skipped: true, code: refusal.code, message: refusal.message } : { passed: true };
      return [{ step: 'CATALOG', ...verdict }, ...(userAddress === undefined ? [] : [{ step: 'INSTALLATION' as const, ...verdict }])];
    },
    secretDates: async () => [],
    // Nobody posts to it.
    checkEndpoint: async () => ({ step: 'ENDPOINT', passed: true }),
    adminConsentUrl: ({ applicationId, tenantId }) => consentUrl('https://embedded.invalid', tenantId, applicationId),
  };
}

const OBJECT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** No real connector has this URL, so a conversation of the stand-in is never sent to one. */
const SERVICE_URL = 'https://embedded.invalid/teams/';

/** The first characters of failing users' object ids, and so of their conversations' ids: `sendActivity` knows no addresses. */
const MARK_LENGTH = 8;
const BLOCKED = 'b10c0ced';
const BUSY = 'b0000429';

function refusalOf({ applicationId, tenantId, clientSecret }: BotCredentials): CurableError | undefined {
  const refusal = (code: string, words: string) => new CurableError('BOT_CREDENTIALS', code, `${code}: ${words}`);
  if (tenantId === 'invalid') return refusal('AADSTS90002', `Tenant '${tenantId}' not found.`);
  if (applicationId === 'invalid')
    return refusal('AADSTS700016', `Application with identifier '${applicationId}' was not found in the directory.`);
  if (clientSecret === 'invalid') return refusal('AADSTS7000215', 'Invalid client secret provided.');
  return undefined;
}

function requireValid(bot: BotCredentials): void {
  const refusal = refusalOf(bot);
  if (refusal) throw refusal;
}

/** Derives an object id, in the form of a UUID version 8 (RFC 9562): its bits are free to choose. */
function objectIdOf(tenantId: string, name: string): string {
  const hex = digest(tenantId, name);
  const mark = name.endsWith('@blocked.example') ? BLOCKED : name.endsWith('@busy.example') ? BUSY : hex.slice(0, MARK_LENGTH);
  return `${mark}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const digest = (...parts: string[]): string => createHash('sha256').update(parts.join('\n')).digest('hex');
