import type { Bot } from '../../../../prisma/client/client.ts';
import type { Gateway } from '../../../domain/gateway.ts';
import { type Cloud, installsApps } from '../../../platforms/microsoft/clouds.ts';
import type { ConversationReference } from '../../../platforms/microsoft/microsoft.ts';
import { forgetConversation, rememberConversation } from './conversations.ts';

/**
 * Remembers the chat of a user who has no mapping yet, until the bot's app is removed. Only in clouds in which Graph names no chats: there, the gateway
 * would not know later that the user has the app, and in 21Vianet's not where to write to them.
 * @param bots those that share the application in the user's tenant
 * @param user.chat `undefined` if the app was removed
 */
export async function followStranger(
  { prisma }: Gateway,
  bots: readonly Bot[],
  { objectId, chat }: { readonly objectId: string; readonly chat: ConversationReference | undefined },
): Promise<void> {
  for (const bot of bots) {
    if (installsApps(bot.cloud as Cloud)) continue;
    if (chat) await rememberConversation(prisma, bot, objectId, chat);
    else await forgetConversation(prisma, bot, objectId);
  }
}
