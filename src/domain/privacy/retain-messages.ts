import type { PrismaClient } from '../../../prisma/client/client.ts';
import type { Gateway } from '../gateway.ts';
import type { Transaction } from '../transaction.ts';
import { DELETED_AT_ONCE, deleteLocked, inBatches, type LockedMessage, lockHead, ROWS_KEPT_MS } from './delete-messages.ts';

const DAY_MS = 24 * 60 * 60_000;
/** How many enterprises a statement looks at. */
const ENTERPRISES = 500;

/** What became of messages past their retention. */
interface Retained {
  /** How many lost their text and media. */
  readonly emptied: number;
  readonly deleted: number;
}

interface DueEnterprise {
  readonly sid: string;
  readonly organizationSid: string;
  readonly days: number;
}

/**
 * Deletes the messages that are past the retention of their enterprise, their organization or the setting: first their texts and media, then, once the event
 * log has none of their events, the messages. One that is under way stays. Usage stays as it is.
 * @param defaultDays the setting; absent for no end
 */
export async function retainMessages(
  { prisma, log }: Pick<Gateway, 'prisma' | 'log'>,
  defaultDays: number | undefined,
  signal?: AbortSignal,
): Promise<Retained> {
  const all = { emptied: 0, deleted: 0 };
  for await (const enterprise of enterprisesToClean(prisma, defaultDays)) {
    if (signal?.aborted) break;
    try {
      const { emptied, deleted } = await clean(prisma, enterprise, signal);
      all.emptied += emptied;
      all.deleted += deleted;
    } catch (error) {
      log.error({ err: error, enterpriseSid: enterprise.sid }, 'cannot delete the old messages of an enterprise; the next run tries again');
    }
  }
  if (all.emptied + all.deleted > 0) log.info(all, 'messages past their retention were emptied or deleted');
  return all;
}

/** Finds the enterprises with messages past their retention. */
async function* enterprisesToClean(prisma: PrismaClient, defaultDays: number | undefined): AsyncGenerator<DueEnterprise> {
  for (let after = ''; ; ) {
    const found = await prisma.$queryRaw<(DueEnterprise & { days: number | null; isDue: boolean })[]>`
      SELECT e.sid, e.organization_sid AS "organizationSid", e.days, coalesce(first.date_created < now() - e.days * interval '1 day', false) AS "isDue"
      FROM (
        SELECT e.sid, e.organization_sid, coalesce(e.message_retention_days, o.message_retention_days, ${defaultDays ?? null}::integer) AS days
        FROM enterprise e JOIN organization o ON o.sid = e.organization_sid WHERE e.sid > ${after} ORDER BY e.sid LIMIT ${ENTERPRISES}
      ) e LEFT JOIN LATERAL (
        SELECT date_created FROM message m WHERE e.days IS NOT NULL AND m.organization_sid = e.organization_sid AND m.enterprise_sid = e.sid
        ORDER BY m.date_created LIMIT 1
      ) first ON true ORDER BY 1`;
    for (const enterprise of found) if (enterprise.isDue) yield enterprise;
    if (found.length < ENTERPRISES) return;
    after = found.at(-1)?.sid as string;
  }
}

async function clean(prisma: PrismaClient, { sid, organizationSid, days }: DueEnterprise, signal?: AbortSignal): Promise<Retained> {
  const before = new Date(Date.now() - days * DAY_MS);
  const deletedBefore = new Date(Math.min(before.getTime(), Date.now() - ROWS_KEPT_MS));
  let position = { dateCreated: new Date(0), sid: '' };
  const done = { emptied: 0, deleted: 0 };
  await inBatches(prisma, signal, async (tx) => {
    const found = await lockOld(tx, organizationSid, sid, before, position);
    const settled = found.filter(({ isUnderWay }) => !isUnderWay);
    const deletable = settled.filter(({ hasEvents, dateCreated }) => !hasEvents && dateCreated < deletedBefore).map(({ sid }) => sid);
    const full = settled.filter(({ sid, hasContent }) => hasContent && !deletable.includes(sid)).map(({ sid }) => sid);
    let emptied = 0;
    if (full.length > 0)
      emptied = await tx.$executeRaw`
        UPDATE message SET body = '', media_urls = '{}' WHERE organization_sid = ${organizationSid} AND sid = ANY (${full}::text[])`;
    let deleted = 0;
    if (deletable.length > 0) {
      await lockHead(tx, organizationSid);
      deleted = await deleteLocked(tx, organizationSid, deletable);
    }
    done.emptied += emptied;
    done.deleted += deleted;
    position = found.at(-1) ?? position;
    return found.length === DELETED_AT_ONCE;
  });
  return done;
}

/** Locks the next old messages after a position, in the order of their acceptance. */
function lockOld(
  tx: Transaction,
  organizationSid: string,
  enterpriseSid: string,
  before: Date,
  after: { readonly dateCreated: Date; readonly sid: string },
): Promise<LockedMessage[]> {
  return tx.$queryRaw<LockedMessage[]>`
    SELECT sid, date_created AS "dateCreated", body <> '' OR cardinality(media_urls) > 0 AS "hasContent",
      EXISTS (SELECT 1 FROM outbox o WHERE o.message_sid = m.sid) AS "isUnderWay",
      EXISTS (SELECT 1 FROM message_event e WHERE e.message_sid = m.sid) AS "hasEvents"
    FROM message m
    WHERE organization_sid = ${organizationSid} AND enterprise_sid = ${enterpriseSid} AND date_created < ${before}
      AND date_created >= ${after.dateCreated} AND (date_created, sid) > (${after.dateCreated}, ${after.sid})
    ORDER BY date_created, sid LIMIT ${DELETED_AT_ONCE} FOR UPDATE SKIP LOCKED`;
}
