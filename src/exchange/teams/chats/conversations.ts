import { Prisma, type PrismaClient, type TeamsConversation } from '../../../../prisma/client/client.ts';
import type { Transaction } from '../../../domain/transaction.ts';
import { comparedForm, kindOfSender, regionOf, toE164 } from '../../../domain/values/phone-numbers.ts';
import type { ConversationReference } from '../../../platforms/microsoft/microsoft.ts';

/** The enterprise that a conversation belongs to. */
interface Owner {
  readonly organizationSid: string;
  readonly enterpriseSid: string;
}

/** A number that a Teams user exchanges messages with, and the mapping used. */
export interface Partner {
  readonly mappingSid: string;
  /** As of `partnerNumber`. */
  readonly number: string;
}

/**
 * The form in which a sender is answered and compared: E.164 for a phone, digits for a short code; a name as it is.
 * @param own the mapped number that it wrote to
 */
export function partnerNumber(from: string, own?: string): string {
  const region = own === undefined ? undefined : regionOf(own);
  const kind = kindOfSender(from, region);
  if (kind === 'name') return from.trim();
  return kind === 'phone' ? (toE164(from, region) as string) : comparedForm(from, region);
}

/**
 * Finds the conversation of an enterprise's bot with a Teams user.
 * @param objectId the user's Microsoft Entra object id
 * @returns `null` before their first contact
 */
export function findConversation(
  client: PrismaClient | Transaction,
  enterpriseSid: string,
  objectId: string,
): Promise<TeamsConversation | null> {
  return client.teamsConversation.findUnique({ where: { enterpriseSid_objectId: { enterpriseSid, objectId } } });
}

/** Locks a user's conversations, so that their texts are decided about one after another. */
export async function lockConversations(
  tx: Transaction,
  { enterpriseSids, objectId }: { readonly enterpriseSids: readonly string[]; readonly objectId: string },
): Promise<void> {
  await tx.$queryRaw`
    SELECT 1 FROM teams_conversation WHERE enterprise_sid = ANY (${[...enterpriseSids]}::text[]) AND object_id = ${objectId}
    ORDER BY enterprise_sid FOR UPDATE`;
}

/** Stores the conversation that a Teams user wrote in, or installed the bot's app in, to reach them in. The user has the app. */
export async function rememberConversation(
  client: PrismaClient | Transaction,
  owner: Owner,
  objectId: string,
  conversation: ConversationReference,
): Promise<void> {
  await client.$executeRaw`
    WITH installation AS (
      UPDATE teams_installation SET installed = true, removed = false, due = NULL, error_code = NULL, error_message = NULL, date_updated = now()
      WHERE enterprise_sid = ${owner.enterpriseSid} AND object_id = ${objectId}
    ) ${storing(owner, objectId, conversation)}`;
}

/**
 * Stores the conversation that the bot has opened with a Teams user, or that Graph has named. That does not show that the user has the bot's app:
 * the connector may open a conversation, and refuse what is posted to it.
 */
export async function keepOpened(
  client: PrismaClient | Transaction,
  owner: Owner,
  objectId: string,
  conversation: ConversationReference,
): Promise<void> {
  await client.$executeRaw(storing(owner, objectId, conversation));
}

const storing = ({ organizationSid, enterpriseSid }: Owner, objectId: string, { conversationId, serviceUrl }: ConversationReference) =>
  Prisma.sql`INSERT INTO teams_conversation AS c (organization_sid, enterprise_sid, object_id, conversation_id, service_url)
    VALUES (${organizationSid}, ${enterpriseSid}, ${objectId}, ${conversationId}, ${serviceUrl})
    ON CONFLICT (enterprise_sid, object_id) DO UPDATE SET conversation_id = excluded.conversation_id, service_url = excluded.service_url,
      date_updated = now()`;

/**
 * Records that Teams has taken what was posted to a conversation that the bot had opened: the user has the bot's app, unless Teams has reported since that it
 * was removed, which forgets the conversation.
 */
export async function confirmOpened(
  client: PrismaClient,
  { organizationSid, enterpriseSid }: Owner,
  objectId: string,
  conversationId: string,
): Promise<void> {
  await client.$executeRaw`
    UPDATE teams_installation SET installed = true, removed = false, due = NULL, error_code = NULL, error_message = NULL, date_updated = now()
    WHERE organization_sid = ${organizationSid} AND enterprise_sid = ${enterpriseSid} AND object_id = ${objectId} AND EXISTS (
      SELECT 1 FROM teams_conversation WHERE enterprise_sid = ${enterpriseSid} AND object_id = ${objectId} AND conversation_id = ${conversationId}
    )`;
}

/** Forgets a conversation that the bot has opened, since Teams refuses what is posted to it: the user does not have the bot's app. */
export async function forgetOpened(
  client: PrismaClient,
  { enterpriseSid }: Owner,
  objectId: string,
  conversationId: string,
): Promise<void> {
  await client.teamsConversation.updateMany({
    where: { enterpriseSid, objectId, conversationId },
    data: { conversationId: null, dateUpdated: new Date() },
  });
}

/** Forgets a conversation that the bot was removed from. Whom the user has written to stays. */
export async function forgetConversation(client: PrismaClient | Transaction, { enterpriseSid }: Owner, objectId: string): Promise<void> {
  await client.teamsConversation.updateMany({
    where: { enterpriseSid, objectId },
    data: { conversationId: null, serviceUrl: null, dateUpdated: new Date() },
  });
}

/** Stores whom a Teams user has written to. A text without a number goes there. */
export async function rememberPartner(
  tx: Transaction,
  { organizationSid, enterpriseSid }: Owner,
  objectId: string,
  { mappingSid, number }: Partner,
): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO teams_conversation AS c (organization_sid, enterprise_sid, object_id, last_mapping_sid, last_number, partner_date)
    VALUES (${organizationSid}, ${enterpriseSid}, ${objectId}, ${mappingSid}, ${number}, clock_timestamp())
    ON CONFLICT (enterprise_sid, object_id) DO UPDATE SET last_mapping_sid = excluded.last_mapping_sid, last_number = excluded.last_number,
      partner_changed = false, partner_date = excluded.partner_date, date_updated = now()`;
}

/** Records that it is not evident whom a text without a number is for. Changes dateUpdated, by which accept-at-once.ts sees it. */
export async function markPartnerUnclear(tx: Transaction, enterpriseSid: string, objectId: string): Promise<void> {
  await tx.teamsConversation.updateMany({ where: { enterpriseSid, objectId }, data: { partnerChanged: true, dateUpdated: new Date() } });
}
