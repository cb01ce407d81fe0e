import type { Bot } from '../../../prisma/client/client.ts';
import type { Transaction } from '../transaction.ts';

/** What an enterprise's bot is to Microsoft. */
type Identity = Pick<Bot, 'enterpriseSid' | 'applicationId' | 'tenantId' | 'clientSecret'>;

/**
 * Takes back what a former bot was told of an enterprise's users, and where it reached them, when the enterprise gets another one: their object ids
 * are the present bot's to ask for, with its own secret (src/domain/mapping-users.ts).
 * @param before `undefined` for a new bot
 */
export async function followBot(tx: Transaction, before: Identity | undefined, after: Identity): Promise<void> {
  if (before && isSame(before, after)) {
    // With another secret, what was not answered may be.
    if (!Buffer.from(before.clientSecret).equals(after.clientSecret)) {
      await tx.mapping.updateMany({
        where: { enterpriseSid: after.enterpriseSid, microsoftObjectId: null },
        data: { microsoftChecked: null },
      });
    }
    return;
  }
  const where = { enterpriseSid: { in: [after.enterpriseSid, before?.enterpriseSid ?? after.enterpriseSid] } };
  await tx.mapping.updateMany({ where, data: { microsoftObjectId: null, microsoftChecked: null } });
  await tx.teamsConversation.updateMany({ where, data: { conversationId: null, serviceUrl: null } });
}

const isSame = (one: Identity, other: Identity) =>
  one.enterpriseSid === other.enterpriseSid && one.applicationId === other.applicationId && one.tenantId === other.tenantId;
