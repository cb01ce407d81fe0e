import type { PrismaClient, TeamsConversation as Row } from '../../prisma/client/client.ts';
import type { Transaction } from '../domain/transaction.ts';
import type { TeamsConversation } from '../platforms/microsoft/microsoft.ts';

/** What belongs to an enterprise. */
interface Owned {
  readonly organizationSid: string;
  readonly enterpriseSid: string;
}

/** Where a Teams user is reached by an enterprise's bot; `null` before they first met. */
export function conversationWith(prisma: PrismaClient, enterpriseSid: string, objectId: string): Promise<Row | null> {
  return prisma.teamsConversation.findUnique({ where: { enterpriseSid_objectId: { enterpriseSid, objectId } } });
}

/** Keeps where a Teams user is reached: a conversation that was opened, or one that they wrote in. */
export async function rememberConversation(
  prisma: PrismaClient,
  owner: Owned,
  objectId: string,
  conversation: TeamsConversation,
): Promise<void> {
  await upsert(prisma, owner, objectId, { conversationId: conversation.conversationId, serviceUrl: conversation.serviceUrl });
}

/** Keeps with whom, and by which of their numbers, a Teams user last spoke: a text without a number answers there. */
export async function rememberPartner(
  tx: Transaction,
  owner: Owned,
  objectId: string,
  partner: { mappingSid: string; number: string },
): Promise<void> {
  await upsert(tx, owner, objectId, { lastMappingSid: partner.mappingSid, lastNumber: partner.number });
}

/** The platform does not know the conversation any more. */
export async function forgetConversation(prisma: PrismaClient, enterpriseSid: string, objectId: string): Promise<void> {
  await prisma.teamsConversation.updateMany({ where: { enterpriseSid, objectId }, data: { conversationId: null, serviceUrl: null } });
}

async function upsert(
  prisma: PrismaClient | Transaction,
  { organizationSid, enterpriseSid }: Owned,
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
