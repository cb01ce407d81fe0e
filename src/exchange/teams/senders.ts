import type { Bot, TeamsConversation as ConversationRow, Mapping, PrismaClient } from '../../../prisma/client/client.ts';
import { resolveTenants } from '../../domain/enterprises/bot-tenants.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { comparedForm } from '../../domain/phone-numbers.ts';
import type { Restcomm } from '../../platforms/restcomm/restcomm.ts';
import { type Activity, tenantOf } from './activity.ts';

/**
 * The Teams user who wrote an activity. One application may serve several enterprises, even of several organizations: then the user has one chat
 * with it, and may have numbers of each.
 */
export interface Sender {
  /** Of the enterprise that the user last exchanged messages with. It says what there is to say. */
  readonly bot: Bot;
  /** The user's Microsoft Entra object id. */
  readonly objectId: string;
  /** The user's mappings, those of the bot's enterprise first, oldest first. */
  readonly mappings: readonly Mapping[];
  /** The mappings' enterprises. */
  readonly enterpriseSids: readonly string[];
  /** The longest SMS that the carrier takes. */
  readonly maxSms: Restcomm['maxSms'];
}

/** Finds the bots of an application in the tenant of an activity, oldest first. Both ids are GUIDs, compared without case. */
export async function findBots(gateway: Gateway, applicationId: string, activity: Activity): Promise<Bot[]> {
  const tenantId = tenantOf(activity);
  if (!tenantId) return [];
  const found = await botsOf(gateway.prisma, applicationId, tenantId);
  if (found.length > 0 || !(await resolveTenants(gateway, applicationId))) return found;
  return botsOf(gateway.prisma, applicationId, tenantId);
}

async function botsOf(prisma: PrismaClient, applicationId: string, tenantId: string): Promise<Bot[]> {
  const rows = await prisma.$queryRaw<{ sid: string }[]>`
    SELECT sid FROM bot WHERE lower(application_id) = lower(${applicationId}) AND lower(coalesce(tenant_guid, tenant_id)) = lower(${tenantId})`;
  return prisma.bot.findMany({ where: { sid: { in: rows.map(({ sid }) => sid) } }, orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }] });
}

/**
 * Finds the sender by application, tenant and object id. Object ids are resolved with each enterprise's own client secret, so no enterprise can
 * claim another's users.
 * @param bots the application's bots in the activity's tenant
 * @returns `undefined` if the user has no mapping
 */
export async function findSender(
  { prisma, restcomm }: Pick<Gateway, 'prisma' | 'restcomm'>,
  bots: readonly Bot[],
  activity: Activity,
): Promise<Sender | undefined> {
  const objectId = activity.from.aadObjectId?.toLowerCase();
  if (!objectId) return undefined;
  const mappings = await prisma.mapping.findMany({
    where: { microsoftObjectId: objectId, enterpriseSid: { in: bots.map((bot) => bot.enterpriseSid) } },
    orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
  });
  const enterpriseSids = [...new Set(mappings.map((mapping) => mapping.enterpriseSid))];
  const last = enterpriseSids.length > 1 ? await lastConversation(prisma, objectId, enterpriseSids) : undefined;
  const enterpriseSid = last?.enterpriseSid ?? enterpriseSids[0];
  const bot = bots.find((candidate) => candidate.enterpriseSid === enterpriseSid);
  if (!bot) return undefined;
  const [own, others] = [true, false].map((isOwn) => mappings.filter((mapping) => (mapping.enterpriseSid === enterpriseSid) === isOwn));
  return { bot, objectId, mappings: [...(own ?? []), ...(others ?? [])], enterpriseSids, maxSms: restcomm.maxSms };
}

/** What the user's chat is about. */
const lastConversation = (prisma: PrismaClient, objectId: string, enterpriseSids: string[]): Promise<ConversationRow | null> =>
  prisma.teamsConversation.findFirst({
    where: { objectId, enterpriseSid: { in: enterpriseSids } },
    orderBy: { partnerDate: { sort: 'desc', nulls: 'last' } },
  });

/** The mapping of one of the user's numbers, however it is written. */
export const mappingOf = (mappings: readonly Mapping[], number: string): Mapping | undefined =>
  mappings.find(({ externalAddress }) => comparedForm(externalAddress) === comparedForm(number));
