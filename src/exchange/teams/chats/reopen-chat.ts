import type { Notice } from '../../../../prisma/client/client.ts';
import type { Gateway } from '../../../domain/gateway.ts';
import type { BotCredentials } from '../../../platforms/microsoft/microsoft.ts';
import { rememberConversation } from './conversations.ts';

/** How long a request may wait for Teams' limits, in ms. */
const MAX_WAIT_MS = 1000;

/**
 * Opens a user's chat again that Teams no longer knows, and moves what is still to be said there.
 * @param serviceUrl the connector to open it at; undefined for the notice's
 * @returns whether it was a user's chat with the bot
 * @throws DeliveryError if it cannot be opened
 */
export async function reopenChat(gateway: Gateway, credentials: BotCredentials, notice: Notice, serviceUrl?: string): Promise<boolean> {
  const { prisma, microsoft } = gateway;
  const { organizationSid, enterpriseSid, conversationId } = notice;
  const chat = await prisma.teamsConversation.findFirst({ where: { enterpriseSid, conversationId } });
  if (!chat) return false;
  const user = { objectId: chat.objectId, serviceUrl: serviceUrl ?? notice.serviceUrl };
  const opened = await microsoft.openConversation(credentials, user, { maxWaitMs: MAX_WAIT_MS });
  await rememberConversation(prisma, { organizationSid, enterpriseSid }, chat.objectId, opened);
  await prisma.notice.updateMany({
    where: { enterpriseSid, conversationId, ended: null },
    data: { conversationId: opened.conversationId, serviceUrl: opened.serviceUrl },
  });
  return true;
}
