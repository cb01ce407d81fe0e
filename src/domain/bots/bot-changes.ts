import type { Bot } from '../../../prisma/client/client.ts';
import type { Transaction } from '../transaction.ts';
import { CURED_BY_BOT, releaseLanes } from '../waiting.ts';
import { retryInstallations } from './teams-installations.ts';

/** The parts of a bot that Microsoft knows it by. */
type BotIdentity = Pick<Bot, 'enterpriseSid' | 'applicationId' | 'tenantId' | 'tenantGuid' | 'clientSecret'>;

/**
 * Forgets what Microsoft told an enterprise's former bot when the enterprise gets another one: its users' object ids, the conversations that reach
 * them, and who has its app, except who removed it. The new bot asks for them itself, with its own secret (mapping-users.ts).
 * @param before the bot before the change; `undefined` for a new one
 */
export async function followBot(tx: Transaction, before: BotIdentity | undefined, after: BotIdentity): Promise<void> {
  if (before && isSameBot(before, after)) {
    // Microsoft may answer the new secret where it refused the old one.
    if (!Buffer.from(before.clientSecret).equals(after.clientSecret)) {
      await tx.mapping.updateMany({
        where: { enterpriseSid: after.enterpriseSid, microsoftObjectId: null },
        data: { microsoftChecked: null },
      });
    }
    await retryInstallations(tx, after.enterpriseSid);
    return;
  }
  const where = { enterpriseSid: { in: [after.enterpriseSid, before?.enterpriseSid ?? after.enterpriseSid] } };
  await tx.mapping.updateMany({ where, data: { microsoftObjectId: null, microsoftChecked: null } });
  await tx.teamsConversation.updateMany({ where, data: { conversationId: null, serviceUrl: null } });
  // Those who removed the app do not get it again because its bot was created anew. Another application has an app of its own.
  const otherApp = { applicationId: { not: after.applicationId.toLowerCase() } };
  await tx.teamsInstallation.deleteMany({ where: { ...where, OR: [{ removed: false }, otherApp] } });
}

/** Has all done now that was put off, since what kept the bot from it may be over: users looked up, the app installed for them, messages delivered. */
export async function retryAll(tx: Transaction, enterpriseSid: string): Promise<void> {
  await tx.mapping.updateMany({ where: { enterpriseSid, microsoftObjectId: null }, data: { microsoftChecked: null } });
  await retryInstallations(tx, enterpriseSid);
  await releaseLanes(tx, { enterpriseSid, reasons: CURED_BY_BOT });
}

const isSameBot = (one: BotIdentity, other: BotIdentity) =>
  one.enterpriseSid === other.enterpriseSid && isSameId(one.applicationId, other.applicationId) && isSameId(tenantOf(one), tenantOf(other));

/** A tenant is given by its GUID or one of its domains. */
const tenantOf = ({ tenantId, tenantGuid }: BotIdentity) => tenantGuid ?? tenantId;

/** Applications and tenants have GUIDs, whose case means nothing. */
const isSameId = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
