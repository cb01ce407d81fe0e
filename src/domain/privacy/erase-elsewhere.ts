import type { PersonErasure, PrismaClient } from '../../../prisma/client/client.ts';
import { inTransaction } from '../transaction.ts';
import { DELETED_AT_ONCE, lockHead } from './delete-messages.ts';
import { tracesOf } from './traces.ts';

/** What stands in place of a person's address in a message that the event log still needs. */
export const ERASED = 'erased';
/** The shortest number that is looked for within texts of the bot, in digits. They are deleted after a week in any case. */
const MENTIONED_LENGTH = 7;

/** Erases the person outside messages: what the bot remembers of them, texts that wait, deleted mappings, rows of imports. */
export async function eraseElsewhere(prisma: PrismaClient, erasure: PersonErasure): Promise<void> {
  const { organizationSid, enterpriseSid, phoneFolded, dateCreated } = erasure;
  const within = { organizationSid, ...(enterpriseSid && { enterpriseSid }) };
  const until = { lte: dateCreated };
  const traces = tracesOf(erasure);
  await prisma.heldText.deleteMany({ where: { AND: [within, traces.heldText, { dateCreated: until }] } });
  if (phoneFolded !== null) {
    await restoreConversations(prisma, erasure);
    await prisma.teamsConversation.updateMany({
      where: { AND: [within, traces.teamsConversation, { OR: [{ partnerDate: null }, { partnerDate: until }] }] },
      data: { lastNumber: null, lastMappingSid: null, partnerChanged: false },
    });
    const mentioned = `%${phoneFolded.replaceAll(/[%_\\]/g, '\\$&')}%`;
    // Shorter ones are part of too many others.
    if (phoneFolded.length >= MENTIONED_LENGTH)
      await prisma.$executeRaw`
      DELETE FROM notice WHERE organization_sid = ${organizationSid} AND (${enterpriseSid}::text IS NULL OR enterprise_sid = ${enterpriseSid})
        AND date_created <= ${dateCreated} AND activity::text LIKE ${mentioned}`;
    return;
  }
  await prisma.teamsConversation.deleteMany({ where: { AND: [within, traces.teamsConversation, { dateUpdated: until }] } });
  await prisma.teamsInstallation.deleteMany({ where: { AND: [within, traces.teamsInstallation, { dateUpdated: until }] } });
  await prisma.releasedMapping.updateMany({
    where: { AND: [within, traces.releasedMapping, { dateReleased: until }] },
    data: { microsoftAddress: ERASED },
  });
  await prisma.mappingImportRow.updateMany({
    where: { AND: [traces.mappingImportRow, { organizationSid, import: { ...within, dateCreated: until } }] },
    data: { microsoftAddress: ERASED, name: ERASED },
  });
}

/** Makes a number's conversations anew from the messages that are left. */
async function restoreConversations(prisma: PrismaClient, erasure: PersonErasure): Promise<void> {
  const { organizationSid, enterpriseSid, phoneFolded, dateCreated } = erasure;
  if (phoneFolded === null) return;
  for (let after = ''; ; ) {
    const found = await inTransaction(prisma, async (tx) => {
      await lockHead(tx, organizationSid);
      const rows = await tx.conversation.findMany({
        where: {
          organizationSid,
          ...(enterpriseSid && { enterpriseSid }),
          phoneFolded,
          dateCreated: { lte: dateCreated },
          sid: { gt: after },
        },
        select: { sid: true },
        orderBy: { sid: 'asc' },
        take: DELETED_AT_ONCE,
      });
      if (rows.length > 0) await tx.$executeRaw`SELECT restore_conversations(${rows.map(({ sid }) => sid)}::text[])`;
      return rows;
    });
    if (found.length < DELETED_AT_ONCE) return;
    after = found.at(-1)?.sid as string;
  }
}
