import type { Mapping } from '../../../prisma/client/client.ts';
import type { BotCredentials } from '../../platforms/microsoft/microsoft.ts';
import { PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { credentialsOf } from './bots.ts';

// A mapping's object id is what an activity from Teams is recognised by. It is Microsoft's answer to the enterprise's present bot, asked with its
// own secret: nobody gets another's users by naming their application and tenant.

/** A mapping whose user Microsoft did not know, or could not be asked for, is asked for again after this. */
const ASK_AGAIN_MS = 10 * 60_000;
const BATCH = 100;

/**
 * Asks Microsoft for the users of mappings that were made before their enterprise had its bot.
 * @returns how many became known
 */
export async function resolveMappingUsers(gateway: Gateway, signal?: AbortSignal): Promise<number> {
  const { prisma, microsoft, log } = gateway;
  const unresolved = await prisma.mapping.findMany({
    where: {
      microsoftObjectId: null,
      enterprise: { bot: { isNot: null }, status: { not: 'CLOSED' } },
      OR: [{ microsoftChecked: null }, { microsoftChecked: { lt: new Date(Date.now() - ASK_AGAIN_MS) } }],
    },
    include: { enterprise: { include: { bot: true } } },
    orderBy: { microsoftChecked: { sort: 'asc', nulls: 'first' } },
    take: BATCH,
  });
  const silent = new Set<string>();
  let known = 0;
  for (const { enterprise, ...mapping } of unresolved) {
    if (signal?.aborted) break;
    if (!enterprise.bot || silent.has(enterprise.sid)) continue;
    const bot = credentialsOf(gateway, enterprise.bot);
    try {
      const user = await microsoft.findUser(bot, mapping.microsoftAddress);
      if (!user) log.warn({ mappingSid: mapping.sid }, "a mapping's user is not a user of the bot's tenant");
      else known += 1;
      await keepMappingUser(gateway, mapping, bot, user?.objectId ?? null);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      // The others of the enterprise would fare no better, and hold everybody else's up.
      silent.add(enterprise.sid);
      log.warn({ err: error, enterpriseSid: enterprise.sid }, "an enterprise's users could not be asked for");
      await prisma.mapping.updateMany({
        where: { enterpriseSid: enterprise.sid, microsoftObjectId: null },
        data: { microsoftChecked: new Date() },
      });
    }
  }
  return known;
}

/** Keeps what Microsoft said of a mapping's user, unless the mapping or its enterprise's bot has been changed since it was asked. */
export async function keepMappingUser(
  { prisma }: Pick<Gateway, 'prisma'>,
  { sid, enterpriseSid, microsoftAddress }: Mapping,
  { applicationId, tenantId }: BotCredentials,
  microsoftObjectId: string | null,
): Promise<void> {
  await prisma.mapping.updateMany({
    where: { sid, enterpriseSid, microsoftAddress, enterprise: { bot: { applicationId, tenantId } } },
    data: { microsoftObjectId, microsoftChecked: new Date() },
  });
}
