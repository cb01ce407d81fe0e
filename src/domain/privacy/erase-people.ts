import type { PersonErasure, PrismaClient } from '../../../prisma/client/client.ts';
import type { Gateway } from '../gateway.ts';
import type { Transaction } from '../transaction.ts';
import { DELETED_AT_ONCE, deleteLocked, inBatches, type LockedMessage, lockHead, ROWS_KEPT_MS } from './delete-messages.ts';
import { addressOf } from './person.ts';

/** What stands in place of a person's address in a message that the event log still needs. */
const ERASED = 'erased';
/** The shortest number that is looked for within texts of the bot, in digits. They are deleted after a week in any case. */
const MENTIONED_LENGTH = 7;
/** How many erasures a run works on. */
const AT_ONCE = 20;

/** Works on the erasures that are not completed. Messages that are under way are erased by a later run, once they have ended. */
export async function erasePeople({ prisma, log }: Pick<Gateway, 'prisma' | 'log'>, signal?: AbortSignal): Promise<void> {
  const unfinished = await prisma.personErasure.findMany({
    where: { dateCompleted: null },
    orderBy: { dateCreated: 'asc' },
    take: AT_ONCE,
  });
  for (const erasure of unfinished) {
    if (signal?.aborted) return;
    try {
      await erase(prisma, erasure, signal);
    } catch (error) {
      log.error({ err: error, erasureSid: erasure.sid }, 'cannot erase a person yet; the next run tries again');
    }
  }
}

async function erase(prisma: PrismaClient, erasure: PersonErasure, signal?: AbortSignal): Promise<void> {
  const { sid, organizationSid } = erasure;
  const address = addressOf(erasure);
  let waiting = 0;
  for (const column of ['from', 'to'] as const) {
    let after = '';
    if (address === null) break;
    await inBatches(prisma, signal, async (tx) => {
      const found = await lockMessages(tx, erasure, column, address, after);
      const settled = found.filter(({ isUnderWay }) => !isUnderWay);
      await eraseLocked(tx, erasure, settled);
      await tx.personErasure.updateMany({ where: { sid, organizationSid }, data: { messages: { increment: settled.length } } });
      after = found.at(-1)?.sid ?? after;
      return found.length === DELETED_AT_ONCE;
    });
    waiting += await countLeft(prisma, erasure, column, address);
  }
  if (signal?.aborted) return;
  await eraseElsewhere(prisma, erasure);
  const isDone = waiting === 0;
  await prisma.personErasure.updateMany({
    where: { sid, organizationSid },
    data: {
      waiting,
      ...(isDone && { dateCompleted: new Date(), phoneFolded: null, microsoftAddressFolded: null, microsoftObjectId: null }),
    },
  });
}

function lockMessages(
  tx: Transaction,
  { organizationSid, enterpriseSid }: PersonErasure,
  column: 'from' | 'to',
  address: string,
  after: string,
): Promise<LockedMessage[]> {
  const by = column === 'from' ? 'from_folded' : 'to_folded';
  return tx.$queryRawUnsafe<LockedMessage[]>(
    `SELECT sid, date_created AS "dateCreated", true AS "hasContent",
       EXISTS (SELECT 1 FROM outbox o WHERE o.message_sid = m.sid) AS "isUnderWay",
       EXISTS (SELECT 1 FROM message_event e WHERE e.message_sid = m.sid) AS "hasEvents"
     FROM message m WHERE organization_sid = $1 AND ${by} = $2 AND sid > $3 AND ($4::text IS NULL OR enterprise_sid = $4)
     ORDER BY sid LIMIT $5 FOR UPDATE SKIP LOCKED`,
    ...[organizationSid, address, after, enterpriseSid, DELETED_AT_ONCE],
  );
}

/** How many of the messages are left: those under way, and those that somebody was changing. */
async function countLeft(
  prisma: PrismaClient,
  { organizationSid, enterpriseSid }: PersonErasure,
  column: 'from' | 'to',
  address: string,
): Promise<number> {
  const folded = column === 'from' ? { fromFolded: address } : { toFolded: address };
  return prisma.message.count({ where: { organizationSid, ...folded, ...(enterpriseSid && { enterpriseSid }) } });
}

/** Deletes messages, or, while the event log needs them, everything in them that says something of a person. */
async function eraseLocked(
  tx: Transaction,
  { organizationSid, phoneFolded }: PersonErasure,
  messages: readonly LockedMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  const isDeletable = ({ hasEvents, dateCreated }: LockedMessage) => !hasEvents && dateCreated.getTime() < Date.now() - ROWS_KEPT_MS;
  const deletable = messages.filter(isDeletable).map(({ sid }) => sid);
  const kept = messages.filter((message) => !isDeletable(message)).map(({ sid }) => sid);
  const all = messages.map(({ sid }) => sid);
  await lockHead(tx, organizationSid);
  const conversations = await tx.$queryRaw<{ sid: string }[]>`
    SELECT DISTINCT conversation_sid(mapping_sid, enterprise_sid, direction, from_folded, to_folded) AS sid
    FROM message WHERE organization_sid = ${organizationSid} AND sid = ANY (${all}::text[]) AND mapping_sid IS NOT NULL`;
  const sids = conversations.map(({ sid }) => sid);
  await deleteLocked(tx, organizationSid, deletable);
  await tx.$executeRaw`
    UPDATE message SET body = '', media_urls = '{}', "from" = ${ERASED}, from_folded = ${ERASED}, "to" = ${ERASED}, to_folded = ${ERASED},
      mapping_sid = NULL, teams_conversation_id = NULL, teams_activity_id = NULL, channel_error_message = NULL
    WHERE organization_sid = ${organizationSid} AND sid = ANY (${kept}::text[])`;
  await tx.$executeRaw`
    UPDATE message_event SET error_message = NULL
    WHERE organization_sid = ${organizationSid} AND message_sid = ANY (${kept}::text[]) AND error_message IS NOT NULL`;
  const dateOf = new Map(messages.map(({ sid, dateCreated }) => [sid, dateCreated]));
  await tx.erasedMessage.createMany({
    data: kept.map((messageSid) => ({ messageSid, organizationSid, dateCreated: dateOf.get(messageSid) as Date })),
    skipDuplicates: true,
  });
  // Of a number, all messages go, now or later. Of a mapping that had another user before, some stay.
  if (phoneFolded) await tx.conversation.deleteMany({ where: { organizationSid, sid: { in: sids } } });
  else if (sids.length > 0) await tx.$executeRaw`SELECT restore_conversations(${sids}::text[])`;
}

/** Erases the person outside messages: what the bot remembers of them, texts that wait, deleted mappings, rows of imports. */
async function eraseElsewhere(prisma: PrismaClient, erasure: PersonErasure): Promise<void> {
  const { organizationSid, enterpriseSid, phoneFolded, microsoftAddressFolded, microsoftObjectId } = erasure;
  const within = { organizationSid, ...(enterpriseSid && { enterpriseSid }) };
  if (phoneFolded) {
    await prisma.conversation.deleteMany({ where: { ...within, phoneFolded } });
    const written = [phoneFolded, `+${phoneFolded}`];
    const quoted = written.map((number) => `%${JSON.stringify(number).replaceAll(/[%_\\]/g, '\\$&')}%`);
    const mentioned = `%${phoneFolded.replaceAll(/[%_\\]/g, '\\$&')}%`;
    await prisma.$executeRaw`
      UPDATE teams_conversation SET last_number = NULL, last_mapping_sid = NULL, partner_changed = false
      WHERE organization_sid = ${organizationSid} AND (${enterpriseSid}::text IS NULL OR enterprise_sid = ${enterpriseSid}) AND last_number = ANY (${written}::text[])`;
    await prisma.$executeRaw`
      DELETE FROM held_text WHERE organization_sid = ${organizationSid} AND (${enterpriseSid}::text IS NULL OR enterprise_sid = ${enterpriseSid})
        AND (sent_to = ANY (${written}::text[]) OR choices::text LIKE ANY (${quoted}::text[]))`;
    // Shorter ones are part of too many others.
    if (phoneFolded.length >= MENTIONED_LENGTH)
      await prisma.$executeRaw`
      DELETE FROM notice WHERE organization_sid = ${organizationSid} AND (${enterpriseSid}::text IS NULL OR enterprise_sid = ${enterpriseSid})
        AND activity::text LIKE ${mentioned}`;
  }
  if (microsoftObjectId) {
    await prisma.teamsConversation.deleteMany({ where: { ...within, objectId: microsoftObjectId } });
    await prisma.heldText.deleteMany({ where: { ...within, objectId: microsoftObjectId } });
  }
  if (microsoftAddressFolded) {
    await prisma.releasedMapping.updateMany({
      where: { ...within, microsoftAddress: { equals: microsoftAddressFolded, mode: 'insensitive' } },
      data: { microsoftAddress: ERASED },
    });
    await prisma.mappingImportRow.updateMany({
      where: {
        organizationSid,
        microsoftAddress: { equals: microsoftAddressFolded, mode: 'insensitive' },
        ...(enterpriseSid && { import: { enterpriseSid } }),
      },
      data: { microsoftAddress: ERASED, name: ERASED },
    });
  }
}

/** Deletes erased messages whose events the log has no more. @returns how many */
export async function deleteErased(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  const before = new Date(Date.now() - ROWS_KEPT_MS);
  let deleted = 0;
  let after = { dateCreated: new Date(0), sid: '' };
  await inBatches(prisma, signal, async (tx) => {
    const found = await tx.$queryRaw<{ sid: string; organizationSid: string; dateCreated: Date }[]>`
      SELECT message_sid AS sid, organization_sid AS "organizationSid", date_created AS "dateCreated" FROM erased_message
      WHERE date_created < ${before} AND date_created >= ${after.dateCreated} AND (date_created, message_sid) > (${after.dateCreated}, ${after.sid})
      ORDER BY date_created, message_sid LIMIT ${DELETED_AT_ONCE}`;
    for (const organizationSid of new Set(found.map((row) => row.organizationSid))) {
      const sids = found.filter((row) => row.organizationSid === organizationSid).map(({ sid }) => sid);
      // No conversation has them, so the head need not be locked.
      deleted += await deleteLocked(tx, organizationSid, sids);
      await tx.$executeRaw`
        DELETE FROM erased_message e WHERE organization_sid = ${organizationSid} AND message_sid = ANY (${sids}::text[])
          AND NOT EXISTS (SELECT 1 FROM message m WHERE m.sid = e.message_sid)`;
    }
    after = found.at(-1) ?? after;
    return found.length === DELETED_AT_ONCE;
  });
  return deleted;
}
