import * as z from 'zod';
import type { ChannelStatus, Message } from '../../../prisma/client/client.ts';
import { condition, Values } from '../../database/lists/conditions.ts';
import { type Lead, leadsOf } from '../../database/lists/leads.ts';
import type { OrderBy } from '../../database/lists/orders.ts';
import { appendAudit } from '../audit.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { ConflictError, messageNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { type Keyed, lookup, parseInput } from '../input.ts';
import { timesBetween } from '../lists/filters.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { releaseLanesNamed } from '../waiting.ts';
import { laneToPhone, laneToTeams } from './lanes.ts';
import { conditions, type MessageFilter } from './message-filter.ts';
import { statusRank } from './message-status.ts';
import { findMessage, MESSAGES } from './messages.ts';

/** How many messages one call of retryMessages retries at most. */
export const MAX_RETRIED = 500;

const retryInput = z.object({ sid: lookup() });

type RetryMessageInput = z.input<typeof retryInput> & Keyed;
type RetryMessagesInput = { readonly filter?: MessageFilter | null } & Keyed;

/** What retryMessages has done. */
export interface Retried {
  readonly count: number;
  /** Whether more messages can be retried. */
  readonly hasMore: boolean;
}

/**
 * Retries a message. One that was set aside, or failed for a reason that may have passed, is enqueued again at the end of its conversation's lane; one
 * that waits in its lane is tried again at once, in order.
 * @throws NotFoundError MESSAGE_NOT_FOUND (481); ConflictError MESSAGE_NOT_STUCK
 */
export async function retryMessage(gateway: Gateway, caller: Caller, input: RetryMessageInput): Promise<Message> {
  const message = await idempotently(gateway, caller, 'retryMessage', input, async (remember) => {
    const { sid = '' } = parseInput(retryInput, input);
    const found = await findMessage(gateway, caller, sid);
    if (!found) throw messageNotFound(sid);
    return inTransaction(gateway.prisma, async (tx) => {
      const retried = await requeue(tx, [found.sid]);
      if (retried.sids.length === 0)
        throw new ConflictError('MESSAGE_NOT_STUCK', 'Message cannot be retried', { value: sid, path: ['sid'] });
      const row = await tx.message.findUniqueOrThrow({ where: { sid: found.sid } });
      await remember(tx, row);
      await appendEvents(tx, caller.organizationSid, retried.failed);
      return row;
    });
  });
  gateway.hints.appended(caller.organizationSid);
  gateway.hints.queued();
  return message;
}

/**
 * Retries the messages in the caller's reach that match a filter and can be retried, oldest first, at most MAX_RETRIED. Each is recorded in the audit
 * log.
 */
export async function retryMessages(gateway: Gateway, caller: Caller, input: RetryMessagesInput): Promise<Retried> {
  const { prisma, hints } = gateway;
  const { count, hasMore } = await idempotently(gateway, caller, 'retryMessages', input, async (remember) => {
    const sids = await findRetryable(gateway, caller, input.filter ?? {});
    return inTransaction(prisma, async (tx) => {
      const retried = await requeue(tx, sids.slice(0, MAX_RETRIED));
      const row = { sid: caller.organizationSid, count: retried.sids.length, hasMore: sids.length > MAX_RETRIED };
      await appendAudit(
        tx,
        caller,
        retried.sids.map((targetSid) => ({ action: 'message.retry', targetSid })),
      );
      await remember(tx, row, { changed: false });
      await appendEvents(tx, caller.organizationSid, retried.failed);
      return row;
    });
  });
  hints.appended(caller.organizationSid);
  hints.queued();
  return { count, hasMore };
}

/** How many messages one statement looks at. */
const CANDIDATES = 2000;
const BY_CREATION: OrderBy = [{ dateCreated: 'asc' }, { sid: 'asc' }];

/**
 * Finds the sids of messages that can be retried, oldest first; one more than MAX_RETRIED if there are more. Those that wait in a lane that is being
 * tried right now are not among them. Looks at all that are stuck or FAILED, a batch by a statement.
 */
async function findRetryable({ sql }: Gateway, caller: Caller, filter: MessageFilter): Promise<string[]> {
  const found: string[] = [];
  for (let past: object = {}; found.length <= MAX_RETRIED; ) {
    const { looked, sids, time, sid } = await findAmong(sql, caller, filter, past);
    found.push(...(sids ?? []));
    if (looked < CANDIDATES) break;
    past = { OR: [{ dateCreated: { gt: time } }, { dateCreated: time, sid: { gt: sid } }] };
  }
  return found.slice(0, MAX_RETRIED + 1);
}

interface Candidates {
  readonly looked: number;
  readonly sids: string[] | null;
  /** Where the last one is. */
  readonly time: Date;
  readonly sid: string;
}

/** Finds those of the oldest candidates past a position that match the filter and can be retried. */
async function findAmong(sql: Gateway['sql'], caller: Caller, filter: MessageFilter, past: object): Promise<Candidates> {
  const values = new Values();
  const { dateCreated } = timesBetween(filter) as { dateCreated?: object };
  const walk = (kind: object, isFailed: boolean) => {
    const where = { AND: [{ organizationSid: caller.organizationSid }, kind, { dateCreated }, past] };
    const [lead] = leadsOf(MESSAGES, where, BY_CREATION) as [Lead];
    return `(SELECT *, ${isFailed} AS is_failed ${lead.walks(values, '')[0]} LIMIT ${CANDIDATES})`;
  };
  const walks = `${walk({ stuck: true }, false)} UNION ALL ${walk({ listedStatus: 'FAILED' }, true)}`;
  const where = condition({ AND: [belonging(caller), ...conditions(filter)] }, values);
  const [row] = await sql.query<Candidates>(
    `SELECT count(*)::int AS looked, max(m.date_created) AS time, (array_agg(m.sid ORDER BY m.date_created DESC, m.sid DESC))[1] AS sid,
       array_agg(m.sid ORDER BY m.date_created, m.sid) FILTER (
         WHERE m.matches AND (o.message_sid IS NULL OR (m.stuck AND l.holder IS NULL AND l.due > now()))) AS sids
     FROM (
       SELECT sid, date_created, stuck, (NOT is_failed OR NOT (stuck OR failed_for_good)) AND ${where} AS matches
       FROM (SELECT * FROM (${walks}) AS candidate ORDER BY date_created, sid LIMIT ${CANDIDATES}) AS message
     ) m LEFT JOIN outbox o ON o.message_sid = m.sid LEFT JOIN outbox_lane l ON l.lane = o.lane`,
    values.given,
  );
  return row as Candidates;
}

interface Requeued {
  readonly sid: string;
  readonly previous: ChannelStatus;
}

/**
 * Makes messages of one organization be tried again, in the order given. The last attempt of one that was set aside may have reached the platform, so it is recorded as
 * started: the exchange then asks the platform first, or marks the message as possibly duplicated. One that failed is QUEUED again; reports about
 * its former attempt to a phone are ignored from now on. What arrived from a phone keeps its sid, by which a repeated webhook is recognized.
 * @returns the sids of those that could be retried, and among them those that had failed, in order, whose events are still to be appended
 */
export async function requeue(tx: Transaction, sids: readonly string[]): Promise<{ sids: string[]; failed: string[] }> {
  const waiting = await tx.$queryRaw<{ sid: string; lane: string }[]>`
    SELECT o.message_sid AS sid, o.lane FROM outbox o JOIN lane_hold h ON h.lane = o.lane WHERE o.message_sid = ANY (${[...sids]}::text[])`;
  await releaseLanesNamed(tx, [...new Set(waiting.map(({ lane }) => lane))]);
  const messages = await tx.message.findMany({
    where: { sid: { in: [...sids] }, outbox: null, OR: [{ stuck: true }, { channelStatus: 'FAILED', failedForGood: false }] },
    include: { mapping: { select: { externalDigits: true } } },
  });
  const bySid = new Map(messages.map((message) => [message.sid, message]));
  const queued = sids.flatMap((sid) => bySid.get(sid) ?? []);
  const requeued = queued.length === 0 ? [] : await enqueueAgain(tx, queued);
  const retried = new Set([...waiting, ...requeued].map(({ sid }) => sid));
  return {
    sids: sids.filter((sid) => retried.has(sid)),
    failed: requeued.filter(({ previous }) => previous === 'FAILED').map(({ sid }) => sid),
  };
}

/** The lanes are locked before the messages, in the order in which accepting messages locks them, against deadlocks. */
async function enqueueAgain(
  tx: Transaction,
  messages: readonly (Message & { readonly mapping: { readonly externalDigits: string } | null })[],
): Promise<Requeued[]> {
  const lanes = messages.map(({ sid, direction, enterpriseSid, mapping, to, toFolded }) =>
    direction === 'OUTBOUND' ? laneToTeams(enterpriseSid, to) : laneToPhone(mapping?.externalDigits ?? sid, toFolded),
  );
  const organizationSid = messages[0]?.organizationSid ?? '';
  await tx.$executeRaw`
    INSERT INTO outbox_lane AS l (lane, organization_sid)
    SELECT DISTINCT lane COLLATE "C", ${organizationSid} FROM unnest(${lanes}::text[]) AS given (lane) ORDER BY 1
    ON CONFLICT (lane) DO UPDATE SET additions = l.additions + 1`;
  const rows = await tx.$queryRaw<(Requeued & { place: number })[]>`
    WITH given AS (
      SELECT sid COLLATE "C" AS sid, lane COLLATE "C" AS lane, place
      FROM unnest(${messages.map(({ sid }) => sid)}::text[], ${lanes}::text[]) WITH ORDINALITY AS given (sid, lane, place)
    ), before AS (
      SELECT m.sid, m.channel_status, m.date_updated, given.lane, given.place FROM message m JOIN given ON given.sid = m.sid
      WHERE (m.stuck OR (m.channel_status = 'FAILED' AND NOT m.failed_for_good))
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE message_sid = m.sid)
      ORDER BY m.sid FOR UPDATE OF m
    ), changed AS (
      UPDATE message m SET stuck = hold.lane IS NOT NULL, hold_reason = hold.reason, held_since = hold.since, channel_error_code = hold.code,
        channel_error_message = hold.message
      FROM before LEFT JOIN lane_hold hold ON hold.lane = before.lane
      WHERE m.sid = before.sid AND before.channel_status <> 'FAILED'
      RETURNING m.sid
    ), revived AS (
      UPDATE message m SET stuck = hold.lane IS NOT NULL, hold_reason = hold.reason, held_since = hold.since, channel_error_code = hold.code,
        channel_error_message = hold.message, channel_status = 'QUEUED', status_rank = ${statusRank('QUEUED')}, date_updated = now(),
        restcomm_message_sid = CASE WHEN direction = 'OUTBOUND' THEN restcomm_message_sid END,
        former_restcomm_sids = CASE WHEN direction = 'OUTBOUND' THEN former_restcomm_sids
          ELSE array_remove(former_restcomm_sids || restcomm_message_sid, NULL) END
      FROM before LEFT JOIN lane_hold hold ON hold.lane = before.lane
      WHERE m.sid = before.sid AND before.channel_status = 'FAILED'
      RETURNING m.sid
    ), queued AS (
      INSERT INTO outbox (message_sid, lane, attempt_started)
      SELECT sid, lane, CASE WHEN channel_status = 'FAILED' THEN NULL ELSE date_updated END FROM before ORDER BY place
    )
    SELECT sid, channel_status::text AS previous, place::int FROM before ORDER BY place`;
  return rows.map(({ sid, previous }) => ({ sid, previous }));
}

/** Appends the events of messages that are QUEUED again. Comes last in its transaction, as it locks the head of the log (docs/adr/0006). */
async function appendEvents(tx: Transaction, organizationSid: string, sids: readonly string[]): Promise<void> {
  if (sids.length === 0) return;
  await tx.$executeRaw`
    WITH head AS (
      INSERT INTO event_head AS h (organization_sid, seq) VALUES (${organizationSid}, ${sids.length})
      ON CONFLICT (organization_sid) DO UPDATE SET seq = h.seq + excluded.seq
      RETURNING seq
    )
    INSERT INTO message_event (organization_sid, seq, message_sid, status, previous_status)
    SELECT ${organizationSid}, head.seq - ${sids.length} + place, sid, 'QUEUED', 'FAILED'
    FROM unnest(${[...sids]}::text[]) WITH ORDINALITY AS given (sid, place), head`;
}
