import { type Bot, type Mapping, Prisma, type PrismaClient, type TeamsConversation } from '../../../../prisma/client/client.ts';
import { type JoinedRow, joinedColumns, partOf, partOrNull } from '../../../database/lists/joined-rows.ts';
import { resolveTenants } from '../../../domain/bots/bot-tenants.ts';
import type { Gateway } from '../../../domain/gateway.ts';
import { comparedForm } from '../../../domain/values/phone-numbers.ts';
import type { VerifiedAudience } from '../../../platforms/microsoft/bot-framework-tokens.ts';
import type { Restcomm } from '../../../platforms/restcomm/restcomm.ts';
import { type Activity, tenantOf } from '../reading/activity.ts';

/**
 * The Teams user who wrote an activity. One application may serve several enterprises, even of several organizations: then the user has one chat
 * with it, and may have numbers of each.
 */
export interface Sender {
  /** The enterprise that the user last exchanged messages with. Its bot says what there is to say. */
  readonly enterprise: { readonly organizationSid: string; readonly enterpriseSid: string };
  /** The user's Microsoft Entra object id. */
  readonly objectId: string;
  /** The user's mappings, those of the bot's enterprise first, oldest first. */
  readonly mappings: readonly Mapping[];
  /** The mappings' enterprises. */
  readonly enterpriseSids: readonly string[];
  /** The user's conversation with that enterprise's bot; `null` before the first contact. */
  readonly conversation: TeamsConversation | null;
  /** Whether the user does not have that bot's app, as far as is known. */
  readonly lacksApp: boolean;
  /** Whether the user has been asked whom a text is for, and has not answered. */
  readonly hasQuestions: boolean;
  /** Whether messages of one of the enterprises wait for a cure. */
  readonly hasHeldLanes: boolean;
  /** The longest SMS that the carrier takes. */
  readonly maxSms: Restcomm['maxSms'];
}

/** Finds the bots of an application in the tenant and the clouds of an activity, oldest first. Both ids are GUIDs, compared without case. */
export async function findBots(gateway: Gateway, audience: VerifiedAudience, activity: Activity): Promise<Bot[]> {
  const tenantId = tenantOf(activity);
  if (!tenantId) return [];
  const found = await botsOf(gateway.prisma, audience, tenantId);
  if (found.length > 0 || !(await resolveTenants(gateway, audience.applicationId))) return found;
  return botsOf(gateway.prisma, audience, tenantId);
}

async function botsOf(prisma: PrismaClient, { applicationId, clouds }: VerifiedAudience, tenantId: string): Promise<Bot[]> {
  const rows = await prisma.$queryRaw<{ sid: string }[]>`
    SELECT sid FROM bot WHERE lower(application_id) = lower(${applicationId}) AND lower(coalesce(tenant_guid, tenant_id)) = lower(${tenantId})
      AND cloud = ANY (${[...clouds]}::text[])`;
  return prisma.bot.findMany({ where: { sid: { in: rows.map(({ sid }) => sid) } }, orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }] });
}

/** How many rows a sender usually takes, and so how many senders are read together. */
const USUAL_ROWS = 4;

/**
 * Finds the sender by application, cloud, tenant and object id. Object ids are resolved with each enterprise's own client secret, so no enterprise can
 * claim another's users. Senders who write at the same time are read by one statement.
 * @returns `undefined` if the user has no mapping
 */
export async function findSender(
  { sql, restcomm }: Pick<Gateway, 'sql' | 'restcomm'>,
  { applicationId, clouds }: VerifiedAudience,
  activity: Activity,
): Promise<Sender | undefined> {
  const objectId = activity.from?.aadObjectId?.toLowerCase();
  const tenantId = tenantOf(activity);
  if (!objectId || !tenantId) return undefined;
  // These columns have the database's own collation, which the type varchar keeps.
  const types = ['varchar', 'varchar', 'varchar', 'varchar'];
  const values = [applicationId, tenantId, objectId, clouds.join(' ')];
  const rows = await sql.readTogether<JoinedRow>({ text: SENDER, values, types, order: ORDER, maxRows: USUAL_ROWS });
  if (rows.length === 0) return undefined;
  const mappings = rows.map((row) => partOf<Mapping>(row, 'mapping', MAPPING));
  const conversations = rows.flatMap((row) => partOrNull<TeamsConversation>(row, 'conversation', CONVERSATION, 'objectId') ?? []);
  const { organizationSid, enterpriseSid } = lastUsed(mappings, conversations);
  const [own, others] = [true, false].map((isOwn) => mappings.filter((mapping) => (mapping.enterpriseSid === enterpriseSid) === isOwn));
  return {
    enterprise: { organizationSid, enterpriseSid },
    objectId,
    mappings: [...(own ?? []), ...(others ?? [])],
    enterpriseSids: [...new Set(mappings.map((mapping) => mapping.enterpriseSid))],
    conversation: conversations.find((conversation) => conversation.enterpriseSid === enterpriseSid) ?? null,
    lacksApp: rows.some((row) => row.lacksApp && row['mapping.enterpriseSid'] === enterpriseSid),
    hasQuestions: rows.some((row) => row.hasQuestions),
    hasHeldLanes: rows.some((row) => row.hasHeldLanes),
    maxSms: restcomm.maxSms,
  };
}

const MAPPING = Object.values(Prisma.MappingScalarFieldEnum);
const CONVERSATION = Object.values(Prisma.TeamsConversationScalarFieldEnum);
const ORDER = 'found."mapping.dateCreated", found."mapping.sid"';
const SENDER = `
  SELECT ${joinedColumns('mapping', MAPPING)}, ${joinedColumns('conversation', CONVERSATION)},
    EXISTS (SELECT 1 FROM held_text h WHERE h.enterprise_sid = mapping.enterprise_sid AND h.object_id = mapping.microsoft_object_id COLLATE "C"
      AND h.ended IS NULL) AS "hasQuestions",
    EXISTS (SELECT 1 FROM teams_installation i WHERE i.enterprise_sid = mapping.enterprise_sid
      AND i.object_id = mapping.microsoft_object_id COLLATE "C" AND i.installed IS NOT TRUE) AS "lacksApp",
    EXISTS (SELECT 1 FROM lane_hold l WHERE l.enterprise_sid = mapping.enterprise_sid) AS "hasHeldLanes"
  FROM mapping JOIN bot ON bot.enterprise_sid = mapping.enterprise_sid
    LEFT JOIN teams_conversation conversation ON conversation.enterprise_sid = mapping.enterprise_sid
      AND conversation.object_id = mapping.microsoft_object_id COLLATE "C"
  WHERE mapping.microsoft_object_id = $3 AND lower(bot.application_id) = lower($1) AND lower(coalesce(bot.tenant_guid, bot.tenant_id)) = lower($2)
    AND bot.cloud = ANY (string_to_array($4, ' '))`;

/** What the user's chat is about: the enterprise of the last message, else of the first mapping. */
function lastUsed(mappings: readonly Mapping[], conversations: readonly TeamsConversation[]): Mapping {
  const [latest] = conversations
    .filter(({ partnerDate }) => partnerDate !== null)
    .sort((one, other) => Number(other.partnerDate) - Number(one.partnerDate));
  return (mappings.find(({ enterpriseSid }) => enterpriseSid === latest?.enterpriseSid) ?? mappings[0]) as Mapping;
}

/** The mapping of one of the user's numbers, however it is written. */
export const mappingOf = (mappings: readonly Mapping[], number: string): Mapping | undefined =>
  mappings.find(({ externalAddress }) => comparedForm(externalAddress) === comparedForm(number));

/** The user's numbers by mapping. */
export const numbersOf = ({ mappings }: Pick<Sender, 'mappings'>): ReadonlyMap<string, string> =>
  new Map(mappings.map(({ sid, externalAddress }) => [sid, externalAddress]));
