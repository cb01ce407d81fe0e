import type { Mapping } from '../../../prisma/client/client.ts';
import type { BotCredentials } from '../../platforms/microsoft/microsoft.ts';
import { PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { credentialsOf } from './bots.ts';

// An activity from Teams is matched to its mapping by the user's object id. The id is Microsoft's answer to the enterprise's current bot, which asks
// with its own secret: naming another customer's application and tenant is not enough to receive its users.

/** When Microsoft is asked again about a user that it did not know, or could not be asked about, in ms. */
const RETRY_AFTER_MS = 10 * 60_000;
const BATCH = 100;

/**
 * Asks Microsoft for the object ids of mappings that were created before their enterprise had its bot.
 * @returns how many users were found
 */
export async function resolveMappingUsers(gateway: Gateway, signal?: AbortSignal): Promise<number> {
  const { prisma, microsoft, log } = gateway;
  const unresolved = await prisma.mapping.findMany({
    where: {
      microsoftObjectId: null,
      enterprise: { bot: { isNot: null }, status: { not: 'CLOSED' } },
      OR: [{ microsoftChecked: null }, { microsoftChecked: { lt: new Date(Date.now() - RETRY_AFTER_MS) } }],
    },
    include: { enterprise: { include: { bot: true } } },
    orderBy: { microsoftChecked: { sort: 'asc', nulls: 'first' } },
    take: BATCH,
  });
  const failedEnterprises = new Set<string>();
  let resolved = 0;
  for (const { enterprise, ...mapping } of unresolved) {
    if (signal?.aborted) break;
    if (!enterprise.bot || failedEnterprises.has(enterprise.sid)) continue;
    const bot = credentialsOf(gateway, enterprise.bot);
    try {
      const user = await microsoft.findUser(bot, mapping.microsoftAddress);
      if (!user) log.warn({ mappingSid: mapping.sid }, "a mapped user is not a user of the bot's tenant");
      else resolved += 1;
      await keepMappingUser(gateway, mapping, bot, user?.objectId ?? null);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      // The enterprise's other mappings would fail too, and delay all other enterprises.
      failedEnterprises.add(enterprise.sid);
      log.warn({ err: error, enterpriseSid: enterprise.sid }, "cannot ask Microsoft for an enterprise's users");
      await prisma.mapping.updateMany({
        where: { enterpriseSid: enterprise.sid, microsoftObjectId: null },
        data: { microsoftChecked: new Date() },
      });
    }
  }
  return resolved;
}

/**
 * Stores Microsoft's answer about a mapping's user, unless the mapping or its enterprise's bot has changed since Microsoft was asked.
 * @param microsoftObjectId `null` where Microsoft does not know the user
 */
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
