import type { Bot } from '../../../prisma/client/client.ts';
import type { Cloud } from '../../platforms/microsoft/clouds.ts';
import type { BotCheck } from '../../platforms/microsoft/microsoft.ts';
import { isTenantDomain } from '../../platforms/microsoft/tenant-ids.ts';
import { PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';

// Whose an activity is, its application and tenant say: GUIDs, compared without case. A bot's tenant may be given as a domain; then its GUID is asked for
// and stored with it.

/**
 * The GUID of a tenant that is given as a domain.
 * @returns `null` for any other tenant, and where Microsoft does not say it now: `verifyBot` asks again
 */
export async function tenantGuidOf({ microsoft, log }: Gateway, tenantId: string, cloud?: Cloud): Promise<string | null> {
  if (!isTenantDomain(tenantId)) return null;
  try {
    return (await microsoft.resolveTenant(tenantId, cloud)) ?? null;
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    log.warn({ code: error.code }, "cannot ask Microsoft for a tenant's id");
    return null;
  }
}

/**
 * Asks for the tenants of an application's bots that are given as domains, where Microsoft did not answer before, and stores them.
 * @returns whether one has been found
 */
export async function resolveTenants(gateway: Gateway, applicationId: string): Promise<boolean> {
  const { prisma } = gateway;
  const bots = await prisma.$queryRaw<Pick<Bot, 'sid' | 'tenantId' | 'cloud'>[]>`
    SELECT sid, tenant_id AS "tenantId", cloud FROM bot WHERE lower(application_id) = lower(${applicationId}) AND tenant_guid IS NULL`;
  let found = false;
  for (const { sid, tenantId, cloud } of bots) {
    const tenantGuid = await tenantGuidOf(gateway, tenantId, cloud as Cloud);
    if (tenantGuid === null) continue;
    await prisma.bot.updateMany({ where: { sid, tenantId }, data: { tenantGuid } });
    found = true;
  }
  return found;
}

/**
 * Checks that a tenant that is given as a domain can be recognized in activities, and stores its id.
 * @returns the checks of the bot, with what there is to say about its tenant at the first of them
 */
export async function checkTenant(gateway: Gateway, bot: Bot, checks: readonly BotCheck[]): Promise<BotCheck[]> {
  const { sid, tenantId } = bot;
  if (!isTenantDomain(tenantId)) return [...checks];
  const tenantGuid = await tenantGuidOf(gateway, tenantId, bot.cloud as Cloud);
  if (tenantGuid !== null) await gateway.prisma.bot.updateMany({ where: { sid, tenantId }, data: { tenantGuid } });
  const message = tenantGuid
    ? `${tenantId} is the tenant ${tenantGuid}.`
    : `${tenantId} is no tenant's id, and Microsoft does not say whose domain it is. Texts from Teams do not arrive; give the tenant's id.`;
  return checks.map((check) => {
    if (check.step !== 'TOKEN' || !check.passed) return check;
    return { ...check, passed: tenantGuid !== null || bot.tenantGuid !== null, message };
  });
}
