import { setTimeout as delay } from 'node:timers/promises';
import { credentialsOf } from '../domain/bots.ts';
import { PlatformError } from '../domain/errors.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { StatusReport } from '../domain/message-log.ts';
import { DeliveryError } from '../platforms/delivery-error.ts';
import type { BotCredentials, TeamsConversation } from '../platforms/microsoft.ts';
import { conversationWith, rememberConversation, rememberPartner } from './conversations.ts';
import type { Delivery } from './delivery.ts';
import type { OutboxEntry } from './outbox.ts';

/** Microsoft takes 7 messages a second of a conversation. */
const SPACING_MS = 1000 / 7;

/**
 * Hands a phone's message over to its Teams user: bot → user → conversation → activity. Teams can't be asked for an earlier attempt: where its
 * outcome is unknown the message is sent again, and marked, since the user may have it twice.
 * @throws DeliveryError
 */
export async function handToTeams(gateway: Gateway, message: Delivery, entry: OutboxEntry, begin: () => Promise<void>): Promise<StatusReport> {
  const { bot } = message.enterprise;
  if (!bot) throw new DeliveryError('refused', 'BOT_NOT_FOUND', 'The enterprise has no bot');
  const credentials = credentialsOf(gateway, bot);
  const objectId = await objectIdOf(gateway, credentials, message);
  const conversation = await openConversation(gateway, credentials, message, objectId);
  if (entry.attemptStarted) await gateway.prisma.message.update({ where: { sid: message.sid }, data: { possiblyDuplicated: true } });
  await begin();
  const [{ activityId }] = await Promise.all([gateway.microsoft.sendActivity(credentials, conversation, textOf(message)), delay(SPACING_MS)]);
  await rememberPartner(gateway.prisma, message, objectId, { mappingSid: message.mappingSid ?? '', number: message.from });
  return { status: 'DELIVERED', teams: { conversationId: conversation.conversationId, activityId } };
}

/** Known since the mapping was made, or asked for now, when the bot came later. */
async function objectIdOf({ prisma, microsoft }: Gateway, credentials: BotCredentials, { mapping }: Delivery): Promise<string> {
  if (mapping?.microsoftObjectId) return mapping.microsoftObjectId;
  const address = mapping?.microsoftAddress ?? '';
  const user = await microsoft.findUser(credentials, address).catch((error) => {
    if (error instanceof PlatformError) throw new DeliveryError('retry', 'PLATFORM_ERROR', error.message);
    throw error;
  });
  if (!user) throw new DeliveryError('refused', 'MICROSOFT_ADDRESS_INVALID', `${address} is not a user of the bot's tenant`);
  await prisma.mapping.updateMany({ where: { sid: mapping?.sid }, data: { microsoftObjectId: user.objectId, microsoftChecked: new Date() } });
  return user.objectId;
}

async function openConversation(gateway: Gateway, credentials: BotCredentials, message: Delivery, objectId: string): Promise<TeamsConversation> {
  const known = await conversationWith(gateway.prisma, message.enterpriseSid, objectId);
  if (known?.conversationId && known.serviceUrl) return { conversationId: known.conversationId, serviceUrl: known.serviceUrl };
  const opened = await gateway.microsoft.openConversation(credentials, { objectId, serviceUrl: known?.serviceUrl ?? undefined });
  await rememberConversation(gateway.prisma, message, objectId, opened);
  return opened;
}

/** What the Teams user reads: who writes, the text, and media as links. */
function textOf({ from, body, mediaUrls }: Delivery): string {
  return [`From ${from}:`, body, ...mediaUrls].filter((line) => line !== '').join('\n');
}
