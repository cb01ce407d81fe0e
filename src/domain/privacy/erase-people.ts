import { type PersonErasure, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { publishFailedRecord } from '../failed-records.ts';
import type { Gateway } from '../gateway.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import {
  atHalfSpeed,
  BEGINNING,
  DELETED_AT_ONCE,
  deleteLocked,
  IS_UNDER_WAY,
  inBatches,
  LOOKED_AT_ONCE,
  type LockedMessage,
  lockHead,
  type Position,
  ROWS_KEPT_MS,
} from './delete-messages.ts';
import { eraseElsewhere } from './erase-elsewhere.ts';
import { ERASED } from './kept-answers.ts';
import { addressesOf } from './person.ts';

/** How many erasures a statement reads. */
const AT_ONCE = 20;

/** Works on the erasures that are not completed. Messages that are under way are erased by a later run, once they have ended. */
export async function erasePeople({ prisma, log }: Pick<Gateway, 'prisma' | 'log'>, signal?: AbortSignal): Promise<void> {
  for (let { dateCreated, sid } = BEGINNING; ; ) {
    const unfinished = await prisma.personErasure.findMany({
      where: { dateCompleted: null, OR: [{ dateCreated: { gt: dateCreated } }, { dateCreated, sid: { gt: sid } }] },
      orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
      take: AT_ONCE,
    });
    for (const erasure of unfinished) {
      if (signal?.aborted) return;
      try {
        await erase(prisma, erasure, signal);
      } catch (error) {
        publishFailedRecord('erase-people');
        log.error({ err: error, erasureSid: erasure.sid }, 'cannot erase a person yet; the next run tries again');
      }
      ({ dateCreated, sid } = erasure);
    }
    if (unfinished.length < AT_ONCE) return;
  }
}

/** Erases what is not newer than the request: the person may be back since then. */
async function erase(prisma: PrismaClient, erasure: PersonErasure, signal?: AbortSignal): Promise<void> {
  const { sid, organizationSid } = erasure;
  // Its messages of before are still to be counted (fold-usage.ts). What is erased would be missing.
  if (await prisma.usageFill.findUnique({ where: { organizationSid } })) return;
  let { elsewhereDue } = erasure;
  let waiting = 0;
  for (const address of addressesOf(erasure)) {
    for (const column of ['from_folded', 'to_folded'] as const) {
      const of = messagesOf(erasure, column, address);
      for (let after = BEGINNING; !signal?.aborted; ) {
        const found = await atHalfSpeed(signal, () => findMessages(prisma, of, after));
        const sids = found.filter(({ isUnderWay }) => !isUnderWay).map((message) => message.sid);
        await inBatches(prisma, signal, { organizationSid, sids }, async (tx, messages) => {
          if (messages.length === 0) return;
          await eraseLocked(tx, erasure, messages);
          const data = { messages: { increment: messages.length }, elsewhereDue: true };
          await tx.personErasure.updateMany({ where: { sid, organizationSid, dateCompleted: null }, data });
          elsewhereDue = true;
        });
        if (found.length < LOOKED_AT_ONCE) break;
        after = found.at(-1) as Position;
      }
      waiting += await countLeft(prisma, of);
    }
  }
  if (signal?.aborted) return;
  if (elsewhereDue) await eraseElsewhere(prisma, erasure);
  const isDone = waiting === 0;
  await prisma.personErasure.updateMany({
    where: { sid, organizationSid, dateCompleted: null },
    data: {
      waiting,
      elsewhereDue: false,
      ...(isDone && { dateCompleted: new Date(), phoneFolded: null, microsoftAddressFolded: null, microsoftObjectId: null }),
    },
  });
}

/** The condition on messages with an address that an erasure means. */
function messagesOf(
  { organizationSid, enterpriseSid, dateCreated }: PersonErasure,
  column: 'from_folded' | 'to_folded',
  address: string,
): Prisma.Sql {
  return Prisma.sql`m.organization_sid = ${organizationSid} AND ${Prisma.raw(column)} = ${address} AND date_created <= ${dateCreated}
    AND (${enterpriseSid}::text IS NULL OR enterprise_sid = ${enterpriseSid})`;
}

/** Looks at the next messages after a position. The oldest come first, as a conversation loses those at the least expense. */
const findMessages = (prisma: PrismaClient, of: Prisma.Sql, after: Position) =>
  prisma.$queryRaw<(Position & { readonly isUnderWay: boolean })[]>`
    SELECT sid, date_created AS "dateCreated", ${IS_UNDER_WAY} AS "isUnderWay"
    FROM message m WHERE ${of} AND (date_created, sid) > (${after.dateCreated}, ${after.sid}) ORDER BY date_created, sid LIMIT ${LOOKED_AT_ONCE}`;

/** How many of the messages are left: those under way, and those that somebody was changing. */
async function countLeft(prisma: PrismaClient, of: Prisma.Sql): Promise<number> {
  const [row] = await prisma.$queryRaw<{ count: number }[]>`SELECT count(*)::int AS count FROM message m WHERE ${of}`;
  return row?.count ?? 0;
}

/** Deletes messages, or, while the event log needs them, everything in them that says something of a person. */
async function eraseLocked(
  tx: Transaction,
  { organizationSid, phoneFolded }: PersonErasure,
  messages: readonly LockedMessage[],
): Promise<void> {
  const isDeletable = ({ hasEvents, dateCreated }: LockedMessage) => !hasEvents && dateCreated.getTime() < Date.now() - ROWS_KEPT_MS;
  const deletable = messages.filter(isDeletable).map(({ sid }) => sid);
  const kept = messages.filter((message) => !isDeletable(message)).map(({ sid }) => sid);
  await lockHead(tx, organizationSid);
  const conversations = await tx.$queryRaw<{ sid: string }[]>`
    SELECT DISTINCT conversation_sid(mapping_sid, enterprise_sid, direction, from_folded, to_folded) AS sid
    FROM message WHERE organization_sid = ${organizationSid} AND sid = ANY (${kept}::text[]) AND mapping_sid IS NOT NULL`;
  await deleteLocked(tx, organizationSid, deletable);
  // A message without its text must not be sent again.
  await tx.$executeRaw`
    UPDATE message SET body = '', media_urls = '{}', "from" = ${ERASED}, from_folded = ${ERASED}, "to" = ${ERASED}, to_folded = ${ERASED},
      mapping_sid = NULL, teams_conversation_id = NULL, teams_activity_id = NULL, channel_error_message = NULL,
      failed_for_good = failed_for_good OR channel_status = 'FAILED'
    WHERE organization_sid = ${organizationSid} AND sid = ANY (${kept}::text[])`;
  await tx.$executeRaw`
    UPDATE message_event SET error_message = NULL
    WHERE organization_sid = ${organizationSid} AND message_sid = ANY (${kept}::text[]) AND error_message IS NOT NULL`;
  const dateOf = new Map(messages.map(({ sid, dateCreated }) => [sid, dateCreated]));
  await tx.erasedMessage.createMany({
    data: kept.map((messageSid) => ({ messageSid, organizationSid, dateCreated: dateOf.get(messageSid) as Date })),
    skipDuplicates: true,
  });
  // A number's conversations are made anew at the end (eraseElsewhere). Of a mapping that had another user before, some messages stay.
  const sids = conversations.map(({ sid }) => sid);
  if (phoneFolded === null && sids.length > 0) await tx.$executeRaw`SELECT restore_conversations(${sids}::text[])`;
}

/** Deletes erased messages whose events the log has no more. @returns how many */
export async function deleteErased(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  const before = new Date(Date.now() - ROWS_KEPT_MS);
  let deleted = 0;
  for (let after = BEGINNING; !signal?.aborted; ) {
    const found = await atHalfSpeed(signal, () => deleteErasedAfter(prisma, before, after));
    deleted += found.deleted;
    if (!found.last) break;
    after = found.last;
  }
  return deleted;
}

/** Deletes the next ones after a position. @returns the last one that it looked at, unless there are no more */
function deleteErasedAfter(prisma: PrismaClient, before: Date, after: Position): Promise<{ deleted: number; last: Position | undefined }> {
  return inTransaction(prisma, async (tx) => {
    let deleted = 0;
    const found = await tx.$queryRaw<(Position & { organizationSid: string })[]>`
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
    return { deleted, last: found.length === DELETED_AT_ONCE ? found.at(-1) : undefined };
  });
}
