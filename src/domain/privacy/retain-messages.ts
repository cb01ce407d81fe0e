import type { PrismaClient } from '../../../prisma/client/client.ts';
import { publishFailedRecord } from '../failed-records.ts';
import type { Gateway } from '../gateway.ts';
import {
  atHalfSpeed,
  BEGINNING,
  deleteLocked,
  HAS_EVENTS,
  IS_UNDER_WAY,
  inBatches,
  LOOKED_AT_ONCE,
  type LockedMessage,
  lockHead,
  type Position,
  ROWS_KEPT_MS,
} from './delete-messages.ts';

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
 * log has none of their events, the messages. One that is under way stays. Usage stays as it is:
 * where messages of before are still to be counted (fold-usage.ts), they stay until they are.
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
      publishFailedRecord('retain-messages');
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
        FROM enterprise e JOIN organization o ON o.sid = e.organization_sid WHERE e.sid > ${after}
          AND NOT EXISTS (SELECT 1 FROM usage_fill f WHERE f.organization_sid = e.organization_sid) ORDER BY e.sid LIMIT ${ENTERPRISES}
      ) e LEFT JOIN LATERAL (
        SELECT date_created FROM message m WHERE e.days IS NOT NULL AND m.organization_sid = e.organization_sid AND m.enterprise_sid = e.sid
        ORDER BY m.date_created LIMIT 1
      ) first ON true ORDER BY 1`;
    for (const enterprise of found) if (enterprise.isDue) yield enterprise;
    if (found.length < ENTERPRISES) return;
    after = found.at(-1)?.sid as string;
  }
}

async function clean(prisma: PrismaClient, enterprise: DueEnterprise, signal?: AbortSignal): Promise<Retained> {
  const { organizationSid } = enterprise;
  const done = { emptied: 0, deleted: 0 };
  for (let after = BEGINNING; !signal?.aborted; ) {
    const found = await atHalfSpeed(signal, () => findOld(prisma, enterprise, after));
    const sids = found.filter(({ isDue }) => isDue).map(({ sid }) => sid);
    await inBatches(prisma, signal, { organizationSid, sids }, async (tx, messages) => {
      const deletable = messages.filter((message) => isDeletable(message, enterprise)).map(({ sid }) => sid);
      const full = messages.filter((message) => message.hasContent && !isDeletable(message, enterprise)).map(({ sid }) => sid);
      // A message without its text must not be sent again.
      if (full.length > 0)
        done.emptied += await tx.$executeRaw`
          UPDATE message SET body = '', media_urls = '{}', failed_for_good = failed_for_good OR channel_status = 'FAILED'
          WHERE organization_sid = ${organizationSid} AND sid = ANY (${full}::text[])`;
      if (deletable.length === 0) return;
      await lockHead(tx, organizationSid);
      done.deleted += await deleteLocked(tx, organizationSid, deletable);
    });
    if (found.length < LOOKED_AT_ONCE) break;
    after = found.at(-1) as Position;
  }
  return done;
}

const startOf = ({ days }: DueEnterprise) => new Date(Date.now() - days * DAY_MS);
const deletedBefore = (enterprise: DueEnterprise) => new Date(Math.min(startOf(enterprise).getTime(), Date.now() - ROWS_KEPT_MS));
const isDeletable = ({ hasEvents, dateCreated }: LockedMessage, enterprise: DueEnterprise) =>
  !hasEvents && dateCreated < deletedBefore(enterprise);

/** Looks at the next old messages after a position, in the order of their acceptance. Those that are due have something to lose. */
function findOld(prisma: PrismaClient, enterprise: DueEnterprise, after: Position): Promise<(Position & { readonly isDue: boolean })[]> {
  return prisma.$queryRaw<(Position & { isDue: boolean })[]>`
    SELECT sid, date_created AS "dateCreated", NOT ${IS_UNDER_WAY}
      AND (body <> '' OR cardinality(media_urls) > 0 OR (date_created < ${deletedBefore(enterprise)} AND NOT ${HAS_EVENTS})) AS "isDue"
    FROM message m
    WHERE organization_sid = ${enterprise.organizationSid} AND enterprise_sid = ${enterprise.sid} AND date_created < ${startOf(enterprise)}
      AND date_created >= ${after.dateCreated} AND (date_created, sid) > (${after.dateCreated}, ${after.sid})
    ORDER BY date_created, sid LIMIT ${LOOKED_AT_ONCE}`;
}
