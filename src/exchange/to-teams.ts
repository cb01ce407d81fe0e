import { setTimeout as delay } from 'node:timers/promises';
import type { Mapping } from '../../prisma/client/client.ts';
import { credentialsOf } from '../domain/enterprises/bots.ts';
import { keepMappingUser } from '../domain/enterprises/mapping-users.ts';
import type { Gateway } from '../domain/gateway.ts';
import { phoneOf } from '../domain/phones.ts';
import { DeliveryError } from '../platforms/delivery-error.ts';
import type { BotCredentials, TeamsConversation } from '../platforms/microsoft/microsoft.ts';
import type { Attempt, Delivered, MessageToDeliver } from './attempt.ts';
import { findConversation, forgetConversation, rememberConversation, rememberPartner } from './conversations.ts';

/**
 * Spaces the messages of a conversation: Teams accepts 7 a second per bot and thread.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
 */
const SPACING_MS = 1000 / 7;

/**
 * Delivers a phone's message to its Teams user: bot → user → conversation → activity. Teams cannot be asked about an earlier attempt: if its
 * outcome is unknown, the message is sent again and marked as possibly duplicated.
 * @throws DeliveryError if the message cannot be delivered
 * @throws PlatformError if Microsoft Graph cannot be asked for the user
 */
export async function deliverToTeams(gateway: Gateway, message: MessageToDeliver, attempt: Attempt): Promise<Delivered> {
  const mapping = await attempt.requireDeliverable();
  const { bot } = message.enterprise;
  if (!bot) throw new DeliveryError('refused', 'BOT_NOT_FOUND', 'The enterprise has no bot');
  const credentials = credentialsOf(gateway, bot);
  const objectId = await objectIdOf(gateway, credentials, mapping);
  const conversation = await conversationWith(gateway, credentials, message, objectId);
  if (attempt.unknownSince) await gateway.prisma.message.update({ where: { sid: message.sid }, data: { possiblyDuplicated: true } });
  await attempt.markStarted();
  const sent = gateway.microsoft.sendActivity(credentials, conversation, textOf(message)).catch(async (error) => {
    if (isGone(error)) await forgetConversation(gateway.prisma, message.enterpriseSid, objectId);
    throw error;
  });
  const [{ activityId }] = await Promise.all([sent, delay(SPACING_MS)]);
  return {
    report: { status: 'DELIVERED', teams: { conversationId: conversation.conversationId, activityId } },
    inSameTransaction: (tx) =>
      rememberPartner(tx, message, objectId, { mappingSid: mapping.sid, number: phoneOf(message.from, mapping.externalAddress).dialled }),
  };
}

/** The user's object id: stored with the mapping, or looked up now if the enterprise got its bot after the mapping. */
async function objectIdOf(gateway: Gateway, credentials: BotCredentials, mapping: Mapping): Promise<string> {
  if (mapping.microsoftObjectId) return mapping.microsoftObjectId;
  const user = await gateway.microsoft.findUser(credentials, mapping.microsoftAddress);
  if (!user)
    throw new DeliveryError('refused', 'MICROSOFT_ADDRESS_INVALID', `${mapping.microsoftAddress} is not a user of the bot's tenant`);
  await keepMappingUser(gateway, mapping, credentials, user.objectId);
  return user.objectId;
}

async function conversationWith(
  gateway: Gateway,
  credentials: BotCredentials,
  message: MessageToDeliver,
  objectId: string,
): Promise<TeamsConversation> {
  const known = await findConversation(gateway.prisma, message.enterpriseSid, objectId);
  if (known?.conversationId && known.serviceUrl) return { conversationId: known.conversationId, serviceUrl: known.serviceUrl };
  const opened = await gateway.microsoft.openConversation(credentials, { objectId, serviceUrl: known?.serviceUrl ?? undefined });
  await rememberConversation(gateway.prisma, message, objectId, opened);
  return opened;
}

const isGone = (error: unknown) =>
  error instanceof DeliveryError &&
  error.outcome === 'refused' &&
  /notfound|^BotNotInConversationRoster$|^ServiceUrlNotAllowed$/i.test(error.code);

/** Formats what the Teams user reads: the sender, the text, and media as links. */
function textOf({ from, body, mediaUrls }: MessageToDeliver): string {
  return [`From ${from}:`, body, ...mediaUrls].filter((line) => line !== '').join('\n');
}
