import type { Bot, Notice } from '../../../../prisma/client/client.ts';
import { moveBot } from '../../../domain/bots/bot-clouds.ts';
import { credentialsOf } from '../../../domain/bots/bots.ts';
import type { Gateway } from '../../../domain/gateway.ts';
import { keepOpened } from './conversations.ts';

/** How long a request may wait for Teams' limits, in ms. */
const MAX_WAIT_MS = 1000;

/**
 * Opens a user's chat again that Teams no longer knows, and moves what is still to be said there.
 * @param serviceUrl the connector to open it at; undefined for the notice's
 * @returns whether it was a user's chat with the bot
 * @throws DeliveryError if it cannot be opened
 */
export async function reopenChat(gateway: Gateway, bot: Bot, notice: Notice, serviceUrl?: string): Promise<boolean> {
  const { prisma, microsoft } = gateway;
  const { organizationSid, enterpriseSid, conversationId } = notice;
  const chat = await prisma.teamsConversation.findFirst({ where: { enterpriseSid, conversationId } });
  if (!chat) return false;
  const user = { objectId: chat.objectId, serviceUrl: serviceUrl ?? notice.serviceUrl };
  const opened = await microsoft.openConversation(credentialsOf(gateway, bot), user, { maxWaitMs: MAX_WAIT_MS });
  await keepOpened(prisma, { organizationSid, enterpriseSid }, chat.objectId, opened);
  if (opened.movedTo) await moveBot(gateway, bot, opened.movedTo);
  await prisma.notice.updateMany({
    where: { enterpriseSid, conversationId, ended: null },
    data: { conversationId: opened.conversationId, serviceUrl: opened.serviceUrl },
  });
  return true;
}
