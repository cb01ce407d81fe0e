import type { PrismaClient, TeamsConversation as Row } from '../../prisma/client/client.ts';
import type { Transaction } from '../domain/transaction.ts';
import type { TeamsConversation } from '../platforms/microsoft/microsoft.ts';

/** The enterprise that a conversation belongs to. */
interface Owner {
  readonly organizationSid: string;
  readonly enterpriseSid: string;
}

/**
 * Finds the conversation of an enterprise's bot with a Teams user.
 * @param objectId the user's Microsoft Entra object id
 * @returns `null` before their first contact
 */
export function findConversation(prisma: PrismaClient, enterpriseSid: string, objectId: string): Promise<Row | null> {
  return prisma.teamsConversation.findUnique({ where: { enterpriseSid_objectId: { enterpriseSid, objectId } } });
}

/** Stores the conversation to reach a Teams user in: one that the bot opened, or one that the user wrote in. */
export async function rememberConversation(
  prisma: PrismaClient,
  owner: Owner,
  objectId: string,
  conversation: TeamsConversation,
): Promise<void> {
  await upsert(prisma, owner, objectId, { conversationId: conversation.conversationId, serviceUrl: conversation.serviceUrl });
}

/** Stores the number that a Teams user last exchanged messages with, and the mapping used. A text without a number goes there. */
export async function rememberPartner(
  tx: Transaction,
  owner: Owner,
  objectId: string,
  partner: { mappingSid: string; number: string },
): Promise<void> {
  await upsert(tx, owner, objectId, { lastMappingSid: partner.mappingSid, lastNumber: partner.number });
}

async function upsert(
  prisma: PrismaClient | Transaction,
  { organizationSid, enterpriseSid }: Owner,
  objectId: string,
  values: Partial<Row>,
): Promise<void> {
  const data = { ...values, dateUpdated: new Date() };
  await prisma.teamsConversation.upsert({
    where: { enterpriseSid_objectId: { enterpriseSid, objectId } },
    create: { organizationSid, enterpriseSid, objectId, ...data },
    update: data,
  });
}
