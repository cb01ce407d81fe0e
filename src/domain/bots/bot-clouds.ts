import { randomUUID } from 'node:crypto';
import type { Bot } from '../../../prisma/client/client.ts';
import type { Cloud } from '../../platforms/microsoft/clouds.ts';
import { appendAudit } from '../audit.ts';
import type { Gateway } from '../gateway.ts';
import { inTransaction } from '../transaction.ts';

/**
 * Moves a bot to the cloud that its tenant turned out to be in, by what the connector said (`InvalidBotApiHost`). Recorded in the audit log, as the
 * operator's.
 */
export async function moveBot({ prisma, log }: Gateway, bot: Pick<Bot, 'sid' | 'organizationSid' | 'cloud'>, cloud: Cloud): Promise<void> {
  const { sid, organizationSid } = bot;
  const isMoved = await inTransaction(prisma, async (tx) => {
    const { count } = await tx.bot.updateMany({ where: { organizationSid, sid, cloud: bot.cloud }, data: { cloud } });
    if (count > 0) await appendAudit(tx, { organizationSid, requestId: randomUUID() }, [{ action: 'bot.move', targetSid: sid }]);
    return count > 0;
  });
  if (isMoved) log.info({ botSid: sid, organizationSid, from: bot.cloud, to: cloud }, 'a bot was moved to the cloud of its tenant');
}

/** The page on which an administrator of a bot's tenant consents to its application's permissions. */
export const adminConsentUrl = (
  { microsoft }: Pick<Gateway, 'microsoft'>,
  { applicationId, tenantId, tenantGuid, cloud }: Pick<Bot, 'applicationId' | 'tenantId' | 'tenantGuid' | 'cloud'>,
): string =>
  microsoft.adminConsentUrl({ applicationId, tenantId: tenantGuid ?? tenantId, cloud: (cloud ?? undefined) as Cloud | undefined });
