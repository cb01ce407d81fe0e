import type { Gateway } from '../../domain/gateway.ts';
import { directionOf } from '../../domain/messages/lanes.ts';
import {
  outcomeOf,
  REPORT_TYPES,
  type ReportRow,
  reporting,
  reportValues,
  type StatusReport,
} from '../../domain/messages/status-reports.ts';
import { publishOutcome } from '../reports.ts';
import type { Claim, OutboxEntry } from './outbox.ts';

/**
 * Settles a delivered message of a lane that is not held: removes it from the outbox, advances its status, and releases its lane, which is deleted
 * if it is empty. Messages of one organization that are delivered together are settled by one statement.
 *
 * May be repeated: it does nothing to a lane that is no longer this claim's, and a status advances once.
 * @param pauseMs how long until the lane is due again, in ms
 * @returns whether there are more messages in the lane
 */
export async function settleDelivered(
  gateway: Gateway,
  claim: Claim,
  { messageSid, hasMore }: Pick<OutboxEntry, 'messageSid' | 'hasMore'>,
  report: StatusReport,
  pauseMs: number,
): Promise<boolean> {
  const { lane, holder, additions, organizationSid } = claim;
  const values = [lane, holder, additions, hasMore, Math.ceil(pauseMs), ...reportValues(messageSid, report)];
  const [row] = await gateway.sql.writeTogether<ReportRow & { remains: boolean }>({
    text: SETTLE,
    values,
    group: organizationSid,
    key: lane,
    waitMs: hasMore ? 0 : SETTLING_WAIT_MS,
  });
  publishOutcome(gateway, { sid: messageSid, organizationSid, direction: directionOf(lane) }, report, outcomeOf(row, messageSid));
  return row?.remains ?? false;
}

/** How long the last message of a lane waits for other lanes' messages, in ms. Others do not wait: the next message of their lane would wait with them. */
const SETTLING_WAIT_MS = 8;

const TYPES = { lane: 'text', holder: 'text', additions: 'int', has_more: 'bool', pause_ms: 'int', ...REPORT_TYPES };

/**
 * Locks lanes, then messages, then heads of logs. Accepting locks its messages first, but nobody else can lock a row that is only being inserted
 * (docs/adr/0019). A lane may be deleted only if nothing was added to it since it was claimed: the locked row has the current count, while the outbox
 * is read as of the statement's start.
 */
const SETTLE = `
  WITH given AS (
    SELECT * FROM unnest(${Object.values(TYPES)
      .map((type, index) => `$${index + 1}::${type}[]`)
      .join(', ')})
      WITH ORDINALITY AS given (${Object.keys(TYPES).join(', ')}, request_place)
  ), locked AS MATERIALIZED (
    SELECT l.lane, given.pause_ms, given.has_more OR l.additions <> given.additions AS remains FROM given
      JOIN outbox_lane l ON l.lane = given.lane COLLATE "C" AND l.holder = given.holder ORDER BY l.lane FOR UPDATE OF l
  ), removed AS (
    DELETE FROM outbox o USING given WHERE o.message_sid = given.message_sid COLLATE "C" AND (SELECT count(*) FROM locked) >= 0
  ), emptied AS (
    DELETE FROM outbox_lane l USING locked WHERE l.lane = locked.lane AND NOT locked.remains
  ), freed AS (
    UPDATE outbox_lane l SET holder = NULL, due = now() + locked.pause_ms * interval '1 millisecond' FROM locked WHERE l.lane = locked.lane AND locked.remains
  ), ${reporting('given', '(SELECT count(*) FROM locked) >= 0')}
  SELECT request_place::int, kept, advances, coalesce(locked.remains, false) AS remains FROM judged LEFT JOIN locked ON locked.lane = judged.lane COLLATE "C"`;
