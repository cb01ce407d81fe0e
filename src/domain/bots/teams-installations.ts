import type { Bot, PrismaClient, TeamsConversation, TeamsInstallation } from '../../../prisma/client/client.ts';
import {
  APP_OR_USER_UNKNOWN,
  FORBIDDEN,
  NO_PERMISSION,
  UNSUPPORTED,
  USER_NOT_IN_TEAMS,
} from '../../platforms/microsoft/app-installations.ts';
import { type Cloud, installsApps } from '../../platforms/microsoft/clouds.ts';
import type { BotCheck } from '../../platforms/microsoft/microsoft.ts';
import { INSTALLS, READS_CATALOG } from '../../platforms/microsoft/permissions.ts';
import type { Transaction } from '../transaction.ts';

// Before a bot may write to a user, its app must be installed for the user. The gateway has it installed by Microsoft Graph, in the background
// (src/exchange/teams/chats/installer.ts), as soon as it knows the user, and for the first message. What became of it is a row for each bot and user.

/** A Teams user of an enterprise. */
interface TeamsUser {
  readonly organizationSid: string;
  readonly enterpriseSid: string;
  /** The user's Microsoft Entra object id. */
  readonly objectId: string;
}

/** Has the app installed for a user soon, unless that was asked for before. */
export const requestInstallation = (client: Installations, { organizationSid, enterpriseSid, objectId }: TeamsUser): Promise<void> =>
  requestInstallations(client, [{ organizationSid, enterpriseSid, objectId }]);

/** Does so for several users. A user who has removed the app that another enterprise shares does not get it again. */
export async function requestInstallations(client: Installations, users: readonly TeamsUser[]): Promise<void> {
  if (users.length === 0) return;
  await client.teamsInstallation.createMany({ data: [...users], skipDuplicates: true });
  // Uses the index bot_by_application.
  await client.$executeRaw`
    UPDATE teams_installation i SET installed = false, removed = true, due = NULL, application_id = other.application_id,
      error_code = other.error_code, error_message = other.error_message, date_updated = now()
    FROM unnest(${users.map(({ organizationSid }) => organizationSid)}::text[], ${users.map(({ enterpriseSid }) => enterpriseSid)}::text[],
        ${users.map(({ objectId }) => objectId)}::text[]) AS asked (organization_sid, enterprise_sid, object_id)
      JOIN bot own ON own.organization_sid = asked.organization_sid AND own.enterprise_sid = asked.enterprise_sid
      JOIN bot sharing ON lower(sharing.application_id) = lower(own.application_id)
        AND lower(coalesce(sharing.tenant_guid, sharing.tenant_id)) = lower(coalesce(own.tenant_guid, own.tenant_id))
        AND sharing.organization_sid = own.organization_sid AND sharing.sid <> own.sid
      JOIN teams_installation other ON other.enterprise_sid = sharing.enterprise_sid AND other.object_id = asked.object_id
        AND other.removed AND other.application_id = lower(own.application_id)
    WHERE i.enterprise_sid = asked.enterprise_sid AND i.object_id = asked.object_id AND i.installed IS NULL AND NOT i.removed`;
}

type Installations = Pick<Transaction, 'teamsInstallation' | '$executeRaw'>;

/** Has the app installed now for the enterprise's users who do not have it: a change of its bot may be what was missing. */
export async function retryInstallations(tx: Transaction, enterpriseSid: string): Promise<void> {
  await tx.teamsInstallation.updateMany({
    where: { enterpriseSid, removed: false, OR: [{ installed: null }, { installed: false }] },
    data: { due: new Date(), attempts: 0 },
  });
}

interface InstallationReader {
  readonly prisma: PrismaClient;
}

/** How many users show that Microsoft refuses the bot its app, and not only one user, as a policy may. */
const SEVERAL = 2;

/** Reads the last installations that were refused with a code, for several users at most. */
const findRefused = ({ prisma }: InstallationReader, enterpriseSid: string, errorCode: string) =>
  prisma.teamsInstallation.findMany({
    where: { enterpriseSid, errorCode, removed: false },
    orderBy: { dateUpdated: 'desc' },
    take: SEVERAL,
  });
/** Whether there are installations that differ from refused ones: made, or failed with other codes than these. */
const hasOthers = async ({ prisma }: InstallationReader, enterpriseSid: string, errorCodes: readonly string[]) => {
  const where = { enterpriseSid, removed: false, OR: [{ installed: true }, { errorCode: { notIn: [...errorCodes] } }] };
  return (await prisma.teamsInstallation.findFirst({ where, select: { objectId: true } })) !== null;
};

/** Whether a refusal that may be one user's has met several users, and nobody has the app: then Microsoft refuses it to the others, too. */
export const isRefusedToAll = async (reader: InstallationReader, enterpriseSid: string, errorCode: string): Promise<boolean> =>
  (await findRefused(reader, enterpriseSid, errorCode)).length >= SEVERAL && !(await hasOthers(reader, enterpriseSid, [errorCode]));

/**
 * Checks what the installations of a bot's app have met: Microsoft has refused it for several users, or for all users so far; the permission was
 * missing, if Graph does not say otherwise; or nobody has it where only people can install it.
 * @param made the bot's other checks
 * @returns none if they have met nothing like that
 */
export async function checkInstallations(
  reader: InstallationReader,
  { enterpriseSid, cloud }: Pick<Bot, 'enterpriseSid' | 'cloud'>,
  made: readonly BotCheck[],
): Promise<BotCheck[]> {
  const failed = (errorMessage: string | null | undefined, about: Pick<BotCheck, 'code' | 'warning' | 'permissions'>): BotCheck[] => [
    { step: 'INSTALLATION', passed: false, message: errorMessage ?? undefined, ...about },
  ];
  if (!installsApps(cloud as Cloud)) {
    const [left] = await findRefused(reader, enterpriseSid, UNSUPPORTED);
    if (!left || (await hasOthers(reader, enterpriseSid, [UNSUPPORTED]))) return [];
    return failed(left.errorMessage, { code: UNSUPPORTED, warning: 'INSTALL_UNSUPPORTED' });
  }
  if (made.some(({ isUnsaid }) => isUnsaid)) {
    const [lacking] = await findRefused(reader, enterpriseSid, NO_PERMISSION);
    if (lacking?.errorMessage?.includes(INSTALLS))
      return failed(lacking.errorMessage, { code: NO_PERMISSION, warning: 'INSTALL_PERMISSION', permissions: [INSTALLS] });
  }
  const refused = await findRefused(reader, enterpriseSid, FORBIDDEN);
  const [last] = refused;
  // That a user is not a user of Teams says nothing about the app.
  if (!last || (refused.length < SEVERAL && (await hasOthers(reader, enterpriseSid, [FORBIDDEN, USER_NOT_IN_TEAMS])))) return [];
  return failed(last.errorMessage, { code: FORBIDDEN, warning: 'INSTALL_REFUSED' });
}

/**
 * Whether a bot's app must be looked up in the catalog to be installed: the bot has the application's id, which the app has in its manifest, or Graph has
 * refused the look-up that installations for several users asked for, since the catalog has no app of the bot's `botAppId`.
 */
export async function mustBeFound(
  { prisma }: InstallationReader,
  { enterpriseSid, applicationId, botAppId }: Pick<Bot, 'enterpriseSid' | 'applicationId' | 'botAppId'>,
): Promise<boolean> {
  if (applicationId.toLowerCase() === botAppId.toLowerCase()) return true;
  const errorCode = { in: [APP_OR_USER_UNKNOWN, NO_PERMISSION] };
  const where = { enterpriseSid, removed: false, errorCode, errorMessage: { contains: READS_CATALOG } };
  return (await prisma.teamsInstallation.findMany({ where, select: { objectId: true }, take: SEVERAL })).length >= SEVERAL;
}

/** What the gateway knows of a mapping's user in Teams. */
export interface MappingInTeams {
  /** The mapping's. */
  readonly sid: string;
  /** Whether the user has the bot's app; `null` until that is known. */
  readonly installed: boolean | null;
  readonly conversationKnown: boolean;
  readonly lastError: string | null;
}

/** A mapping, by what leads to its user. */
export interface OfMapping {
  readonly sid: string;
  readonly enterpriseSid: string;
  readonly microsoftObjectId: string | null;
}

/** Reads what is known of the users of these mappings, which the caller may see, in Teams. */
export async function findInTeams(
  { prisma }: { readonly prisma: PrismaClient },
  mappings: readonly OfMapping[],
): Promise<MappingInTeams[]> {
  const of = {
    enterpriseSid: { in: [...new Set(mappings.map(({ enterpriseSid }) => enterpriseSid))] },
    objectId: { in: mappings.flatMap(({ microsoftObjectId }) => microsoftObjectId ?? []) },
  };
  const [installations, conversations, holds] = await Promise.all([
    prisma.teamsInstallation.findMany({ where: of }),
    prisma.teamsConversation.findMany({ where: of }),
    prisma.laneHold.findMany({ where: { mappingSid: { in: mappings.map(({ sid }) => sid) }, lane: { startsWith: 'teams:' } } }),
  ]);
  const [installationOf, conversationOf] = [byUser<TeamsInstallation>(installations), byUser<TeamsConversation>(conversations)];
  return mappings.map(({ sid, enterpriseSid, microsoftObjectId }) => {
    const user = keyOf(enterpriseSid, microsoftObjectId);
    const [installation, conversation] = [installationOf.get(user), conversationOf.get(user)];
    const conversationKnown = (conversation?.conversationId ?? null) !== null;
    return {
      sid,
      installed: installation?.installed ?? (conversationKnown ? true : null),
      conversationKnown,
      lastError: holds.find(({ mappingSid }) => mappingSid === sid)?.message ?? installation?.errorMessage ?? null,
    };
  });
}

const keyOf = (enterpriseSid: string, objectId: string | null) => `${enterpriseSid} ${objectId}`;
const byUser = <Row extends { enterpriseSid: string; objectId: string }>(rows: readonly Row[]): Map<string, Row> =>
  new Map(rows.map((row) => [keyOf(row.enterpriseSid, row.objectId), row]));
