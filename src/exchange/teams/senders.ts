import type { Bot, TeamsConversation as ConversationRow, Mapping, PrismaClient } from '../../../prisma/client/client.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { comparedForm } from '../../domain/phone-numbers.ts';
import type { Restcomm } from '../../platforms/restcomm/restcomm.ts';
import { type Activity, tenantOf } from './activity.ts';

/** The Teams user who wrote an activity. */
export interface Sender {
  readonly bot: Bot;
  /** The user's Microsoft Entra object id. */
  readonly objectId: string;
  /** The user's mappings in the bot's enterprise, oldest first. */
  readonly mappings: readonly Mapping[];
  /** The longest SMS that the carrier takes. */
  readonly maxSms: Restcomm['maxSms'];
}

/** Finds the bots of an application in a tenant, oldest first. Both ids are GUIDs, compared without case. */
export async function findBots(prisma: PrismaClient, applicationId: string, activity: Activity): Promise<Bot[]> {
  const tenantId = tenantOf(activity);
  if (!tenantId) return [];
  const rows = await prisma.$queryRaw<{ sid: string }[]>`
    SELECT sid FROM bot WHERE lower(application_id) = lower(${applicationId}) AND lower(coalesce(tenant_guid, tenant_id)) = lower(${tenantId})`;
  return prisma.bot.findMany({ where: { sid: { in: rows.map(({ sid }) => sid) } }, orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }] });
}

/**
 * Finds the sender by application, tenant and object id. One application may serve several enterprises, even of several organizations; among
 * these, the one whose number the text names wins, then the one that the user last exchanged messages with. Object ids are resolved with
 * each enterprise's own client secret, so no enterprise can claim another's users.
 * @param bots the application's bots in the activity's tenant
 * @param ownNumber which of the user's numbers the text names, given their mappings; E.164
 * @returns `undefined` if the user has no mapping
 */
export async function findSender(
  { prisma, restcomm }: Pick<Gateway, 'prisma' | 'restcomm'>,
  bots: readonly Bot[],
  activity: Activity,
  ownNumber: (mappings: readonly Mapping[]) => string | undefined,
): Promise<Sender | undefined> {
  const objectId = activity.from.aadObjectId?.toLowerCase();
  if (!objectId) return undefined;
  const mappings = await prisma.mapping.findMany({
    where: { microsoftObjectId: objectId, enterpriseSid: { in: bots.map((bot) => bot.enterpriseSid) } },
    orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
  });
  if (mappings.length === 0) return undefined;
  const enterpriseSids = [...new Set(mappings.map((mapping) => mapping.enterpriseSid))];
  const named = enterpriseSids.length > 1 ? mappingOf(mappings, ownNumber(mappings)) : undefined;
  const last = enterpriseSids.length > 1 && !named ? await lastConversation(prisma, objectId, enterpriseSids) : undefined;
  const enterpriseSid = named?.enterpriseSid ?? last?.enterpriseSid ?? enterpriseSids[0];
  const bot = bots.find((candidate) => candidate.enterpriseSid === enterpriseSid);
  const own = mappings.filter((mapping) => mapping.enterpriseSid === enterpriseSid);
  return bot && { bot, objectId, mappings: own, maxSms: restcomm.maxSms };
}

const lastConversation = (prisma: PrismaClient, objectId: string, enterpriseSids: string[]): Promise<ConversationRow | null> =>
  prisma.teamsConversation.findFirst({ where: { objectId, enterpriseSid: { in: enterpriseSids } }, orderBy: { dateUpdated: 'desc' } });

/** The mapping of one of the user's numbers, however it is written. */
export const mappingOf = (mappings: readonly Mapping[], number: string | undefined): Mapping | undefined =>
  number === undefined ? undefined : mappings.find(({ externalAddress }) => comparedForm(externalAddress) === comparedForm(number));
