import type { Mapping } from '../../../prisma/client/client.ts';
import type { BotCredentials } from '../../platforms/microsoft/microsoft.ts';
import { credentialsOf } from '../bots/bots.ts';
import { requestInstallation } from '../bots/teams-installations.ts';
import { PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { inTransaction } from '../transaction.ts';
import { releaseWaiting } from '../waiting.ts';

// An activity from Teams is matched to its mapping by the user's object id. The id is Microsoft's answer to the enterprise's current bot, which asks
// with its own secret: naming another customer's application and tenant is not enough to receive its users.

/** When Microsoft is asked again about a user that it did not know, or could not be asked about, in ms. */
const RETRY_AFTER_MS = 10 * 60_000;
const BATCH = 100;
/** So many users of an enterprise in a row that Microsoft fails for show that it fails for all. */
const MAX_FAILURES = 3;

/**
 * Asks Microsoft for the object ids of mappings that were created before their enterprise had its bot. A mapping that Microsoft refuses stops no
 * other one: it is logged, and asked for again later.
 * @returns how many users were found
 */
export async function resolveMappingUsers(gateway: Gateway, signal?: AbortSignal): Promise<number> {
  const { prisma, log } = gateway;
  const unresolved = await prisma.mapping.findMany({
    where: {
      microsoftObjectId: null,
      enterprise: { bot: { isNot: null }, status: { not: 'CLOSED' } },
      OR: [{ microsoftChecked: null }, { microsoftChecked: { lt: new Date(Date.now() - RETRY_AFTER_MS) } }],
    },
    include: { enterprise: { include: { bot: true } } },
    orderBy: [{ microsoftChecked: { sort: 'asc', nulls: 'first' } }, { dateCreated: 'asc' }],
    take: BATCH,
  });
  const failures = new Map<string, number>();
  let resolved = 0;
  for (const { enterprise, ...mapping } of unresolved) {
    if (signal?.aborted) break;
    const failed = failures.get(enterprise.sid) ?? 0;
    if (!enterprise.bot || failed >= MAX_FAILURES) continue;
    let credentials: BotCredentials | undefined;
    try {
      credentials = credentialsOf(gateway, enterprise.bot);
      const heldBackMs = gateway.microsoft.graphHeldBackMs(credentials);
      if (heldBackMs > 0) {
        failures.set(enterprise.sid, MAX_FAILURES);
        await postpone(prisma, mapping, true, heldBackMs);
        continue;
      }
      if (await resolveUser(gateway, mapping, credentials)) resolved += 1;
      failures.delete(enterprise.sid);
    } catch (error) {
      const isOfBot = !credentials || isBotsFault(error) || (!isUsersFault(error) && failed + 1 === MAX_FAILURES);
      if (!isUsersFault(error)) failures.set(enterprise.sid, isOfBot ? MAX_FAILURES : failed + 1);
      const line = { err: error, enterpriseSid: enterprise.sid, mappingSid: mapping.sid };
      log.warn(line, isOfBot ? "cannot ask Microsoft for an enterprise's users" : 'cannot ask Microsoft for a mapped user');
      await postpone(prisma, mapping, isOfBot);
    }
  }
  return resolved;
}

/** Asks Microsoft for a mapping's user, and has the messages delivered that wait for that. @returns whether the user was found */
async function resolveUser(gateway: Gateway, mapping: Mapping, bot: BotCredentials): Promise<boolean> {
  const user = await gateway.microsoft.findUser(bot, mapping.microsoftAddress);
  if (!user) gateway.log.warn({ mappingSid: mapping.sid }, "a mapped user is not a user of the bot's tenant");
  await keepMappingUser(gateway, mapping, bot, user?.objectId ?? null);
  if (user) await releaseWaiting(gateway, { mappingSid: mapping.sid, reasons: ['USER_UNKNOWN', 'GRAPH_PERMISSION'] });
  return user !== undefined;
}

/** Why Microsoft could not be asked, as far as the domain knows it. */
type Cause = { readonly reason?: unknown; readonly code?: unknown } | undefined;
const causeOf = (error: unknown) => (error instanceof PlatformError ? (error as { readonly cause?: Cause }).cause : undefined);

/**
 * Whether the enterprise's other mappings would fail too, and delay all other enterprises: Microsoft refused the bot, or did not respond. Any other
 * answer, and a fault of the gateway's own, may concern one mapping.
 */
function isBotsFault(error: unknown): boolean {
  const { reason, code } = causeOf(error) ?? {};
  return reason === undefined ? NO_RESPONSE.has(code) : reason !== 'USER_UNKNOWN';
}
const NO_RESPONSE: ReadonlySet<unknown> = new Set(['Unreachable', 'Timeout', 'ConnectionLost']);

/** Whether Microsoft refuses the very address, so that it answers for the others. */
const isUsersFault = (error: unknown) => causeOf(error)?.reason === 'USER_UNKNOWN';

/**
 * Has a mapping asked for again later, after the others of its enterprise.
 * @param all whether those wait as well
 * @param inMs when, in ms
 */
async function postpone(
  { mapping }: Pick<Gateway['prisma'], 'mapping'>,
  { sid, enterpriseSid }: Mapping,
  all: boolean,
  inMs = RETRY_AFTER_MS,
): Promise<void> {
  const checkedMs = Date.now() + inMs - RETRY_AFTER_MS;
  const unknown = { microsoftObjectId: null };
  if (all) await mapping.updateMany({ where: { enterpriseSid, ...unknown }, data: { microsoftChecked: new Date(checkedMs) } });
  await mapping.updateMany({ where: { sid, ...unknown }, data: { microsoftChecked: new Date(checkedMs + 1) } });
}

/**
 * Stores Microsoft's answer about a mapping's user, unless the mapping or its enterprise's bot has changed since Microsoft was asked.
 * @param microsoftObjectId `null` where Microsoft does not know the user
 */
export async function keepMappingUser(
  { prisma, hints }: Pick<Gateway, 'prisma' | 'hints'>,
  { sid, organizationSid, enterpriseSid, microsoftAddress }: Mapping,
  { applicationId, tenantId }: BotCredentials,
  microsoftObjectId: string | null,
): Promise<void> {
  const isInstallable = await inTransaction(prisma, async (tx) => {
    const { count } = await tx.mapping.updateMany({
      where: { sid, enterpriseSid, microsoftAddress, enterprise: { bot: { applicationId, OR: [{ tenantId }, { tenantGuid: tenantId }] } } },
      data: { microsoftObjectId, microsoftChecked: new Date() },
    });
    if (count === 0 || microsoftObjectId === null) return false;
    await requestInstallation(tx, { organizationSid, enterpriseSid, objectId: microsoftObjectId });
    return true;
  });
  if (isInstallable) hints.installable?.();
}
