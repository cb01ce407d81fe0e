import type { PersonErasure, Prisma, PrismaClient } from '../../../prisma/client/client.ts';
import { NO_LINK, setLink } from '../enterprises/linked-users.ts';
import { inTransaction } from '../transaction.ts';
import { DELETED_AT_ONCE, lockHead } from './delete-messages.ts';
import { ERASED, eraseKeptAnswers } from './kept-answers.ts';
import { tracesOf } from './traces.ts';

/** The shortest number that is looked for within texts of the bot, in digits. They are deleted after a week in any case. */
const MENTIONED_LENGTH = 7;

/**
 * Erases the person outside messages: what the bot remembers of them and has said to them, texts that wait, deleted mappings, rows of imports, results of
 * idempotency keys, links to the person's export, and the link of an admin with the user.
 */
export async function eraseElsewhere(prisma: PrismaClient, erasure: PersonErasure): Promise<void> {
  const { organizationSid, enterpriseSid, phoneFolded, dateCreated } = erasure;
  const within = { organizationSid, ...(enterpriseSid && { enterpriseSid }) };
  const until = { lte: dateCreated };
  const traces = tracesOf(erasure);
  await eraseKeptAnswers(prisma, erasure);
  await prisma.dataExport.deleteMany({ where: { organizationSid, kind: 'exportPerson', dateCreated: until, ...linkOf(erasure) } });
  const chats = await chatsOf(prisma, erasure);
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
    await prisma.mappingImportRow.updateMany({
      where: { AND: [traces.mappingImportRow, { organizationSid, import: { ...within, dateCreated: until } }] },
      data: { externalAddress: ERASED, externalDigits: ERASED, name: ERASED, errorMessage: null },
    });
    return;
  }
  await inTransaction(prisma, async (tx) => {
    const admins = await tx.enterpriseAdmin.findMany({ where: { AND: [within, traces.enterpriseAdmin, { dateMicrosoftLinked: until }] } });
    for (const admin of admins) await setLink(tx, admin, NO_LINK);
  });
  await prisma.notice.deleteMany({ where: { ...within, conversationId: { in: chats }, dateCreated: until } });
  await prisma.teamsConversation.deleteMany({ where: { AND: [within, traces.teamsConversation, { dateUpdated: until }] } });
  await prisma.teamsInstallation.deleteMany({ where: { AND: [within, traces.teamsInstallation, { dateUpdated: until }] } });
  await prisma.releasedMapping.updateMany({
    where: { AND: [within, traces.releasedMapping, { dateReleased: until }] },
    data: { microsoftAddress: ERASED },
  });
  await prisma.mappingImportRow.updateMany({
    where: { AND: [traces.mappingImportRow, { organizationSid, import: { ...within, dateCreated: until } }] },
    data: { microsoftAddress: ERASED, name: ERASED, errorMessage: null },
  });
}

/** The user's conversations with bots. */
async function chatsOf(
  prisma: PrismaClient,
  { organizationSid, enterpriseSid, microsoftObjectId: objectId }: PersonErasure,
): Promise<string[]> {
  if (objectId === null) return [];
  const theirs = { ...(enterpriseSid && { enterpriseSid }), objectId };
  const select = { conversationId: true } as const;
  const found = await Promise.all([
    prisma.teamsConversation.findMany({ where: { organizationSid, ...theirs }, select }),
    prisma.heldText.findMany({ where: { organizationSid, ...theirs }, select }),
  ]);
  return [...new Set(found.flat().flatMap(({ conversationId }) => conversationId ?? []))];
}

/** The condition for links to exports of the person. */
function linkOf({ enterpriseSid, phoneFolded, microsoftAddressFolded, microsoftObjectId }: PersonErasure): Prisma.DataExportWhereInput {
  const ofPerson = Object.entries({ phoneFolded, microsoftAddressFolded, microsoftObjectId }).flatMap(([field, value]) =>
    value === null ? [] : [{ parameters: { path: [field], equals: value } }],
  );
  if (enterpriseSid === null) return { OR: ofPerson };
  const ofEnterprise = [{ confinedTo: enterpriseSid }, { parameters: { path: ['enterpriseSid'], equals: enterpriseSid } }];
  return { AND: [{ OR: ofPerson }, { OR: ofEnterprise }] };
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
