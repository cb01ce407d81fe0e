import { setTimeout as delay } from 'node:timers/promises';
import type { Mapping } from '../../prisma/client/client.ts';
import { credentialsOf } from '../domain/enterprises/bots.ts';
import { keepMappingUser } from '../domain/enterprises/mapping-users.ts';
import type { Gateway } from '../domain/gateway.ts';
import { DeliveryError } from '../platforms/delivery-error.ts';
import type { BotCredentials, TeamsConversation } from '../platforms/microsoft/microsoft.ts';
import type { Attempt, Delivery, HandedOver } from './attempt.ts';
import { conversationWith, forgetConversation, rememberConversation, rememberPartner } from './conversations.ts';

/** Microsoft takes 7 messages a second of a conversation. */
const SPACING_MS = 1000 / 7;

/**
 * Hands a phone's message over to its Teams user: bot → user → conversation → activity. Teams can't be asked for an earlier attempt: where its
 * outcome is unknown the message is sent again, and marked, since the user may have it twice.
 * @throws DeliveryError; PlatformError where the user can't be asked for
 */
export async function handToTeams(gateway: Gateway, message: Delivery, attempt: Attempt): Promise<HandedOver> {
  const mapping = await attempt.admit();
  const { bot } = message.enterprise;
  if (!bot) throw new DeliveryError('refused', 'BOT_NOT_FOUND', 'The enterprise has no bot');
  const credentials = credentialsOf(gateway, bot);
  const objectId = await objectIdOf(gateway, credentials, mapping);
  const conversation = await openConversation(gateway, credentials, message, objectId);
  if (attempt.unknownSince) await gateway.prisma.message.update({ where: { sid: message.sid }, data: { possiblyDuplicated: true } });
  await attempt.begin();
  const sent = gateway.microsoft.sendActivity(credentials, conversation, textOf(message)).catch(async (error) => {
    // The next message opens it anew.
    if (isGone(error)) await forgetConversation(gateway.prisma, message.enterpriseSid, objectId);
    throw error;
  });
  const [{ activityId }] = await Promise.all([sent, delay(SPACING_MS)]);
  return {
    report: { status: 'DELIVERED', teams: { conversationId: conversation.conversationId, activityId } },
    along: (tx) => rememberPartner(tx, message, objectId, { mappingSid: mapping.sid, number: message.from }),
  };
}

/** Known since the mapping was made, or asked for now, when the bot came later. */
async function objectIdOf(gateway: Gateway, credentials: BotCredentials, mapping: Mapping): Promise<string> {
  if (mapping.microsoftObjectId) return mapping.microsoftObjectId;
  const user = await gateway.microsoft.findUser(credentials, mapping.microsoftAddress);
  if (!user)
    throw new DeliveryError('refused', 'MICROSOFT_ADDRESS_INVALID', `${mapping.microsoftAddress} is not a user of the bot's tenant`);
  await keepMappingUser(gateway, mapping, credentials, user.objectId);
  return user.objectId;
}

async function openConversation(
  gateway: Gateway,
  credentials: BotCredentials,
  message: Delivery,
  objectId: string,
): Promise<TeamsConversation> {
  const known = await conversationWith(gateway.prisma, message.enterpriseSid, objectId);
  if (known?.conversationId && known.serviceUrl) return { conversationId: known.conversationId, serviceUrl: known.serviceUrl };
  const opened = await gateway.microsoft.openConversation(credentials, { objectId, serviceUrl: known?.serviceUrl ?? undefined });
  await rememberConversation(gateway.prisma, message, objectId, opened);
  return opened;
}

const isGone = (error: unknown) =>
  error instanceof DeliveryError &&
  error.outcome === 'refused' &&
  /notfound|^BotNotInConversationRoster$|^ServiceUrlNotAllowed$/i.test(error.code);

/** What the Teams user reads: who writes, the text, and media as links. */
function textOf({ from, body, mediaUrls }: Delivery): string {
  return [`From ${from}:`, body, ...mediaUrls].filter((line) => line !== '').join('\n');
}
