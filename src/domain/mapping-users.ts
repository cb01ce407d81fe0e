import type { Prisma } from '../../prisma/client/client.ts';
import { credentialsOf } from './bots.ts';
import { PlatformError } from './errors.ts';
import type { Gateway } from './gateway.ts';

/** A mapping whose user Microsoft did not know, or could not be asked for, is asked for again after this. */
const ASK_AGAIN_MS = 60 * 60_000;
const BATCH = 100;

/**
 * Asks Microsoft for the users of mappings that were made before their enterprise had a bot: their object ids are what an activity from Teams
 * is recognised by.
 * @returns how many became known
 */
export async function resolveMappingUsers(gateway: Gateway): Promise<number> {
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
  let known = 0;
  for (const { sid, microsoftAddress, enterprise } of unresolved) {
    if (!enterprise.bot) continue;
    const checked: Prisma.MappingUpdateManyMutationInput = { microsoftChecked: new Date() };
    try {
      const user = await microsoft.findUser(credentialsOf(gateway, enterprise.bot), microsoftAddress);
      if (user) {
        checked.microsoftObjectId = user.objectId;
        known += 1;
      } else log.warn({ mappingSid: sid }, "a mapping's user is not a user of the bot's tenant");
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      log.warn({ err: error, mappingSid: sid }, "a mapping's user could not be asked for");
    }
    await prisma.mapping.updateMany({ where: { sid, microsoftAddress }, data: checked });
  }
  return known;
}
