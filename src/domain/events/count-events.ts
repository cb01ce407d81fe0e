import { BOUNDS, type Total } from '../../database/lists/bounds.ts';
import { columnOf, condition, Values } from '../../database/lists/conditions.ts';
import type { Sql } from '../../database/sql.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { LogHead, MessageEventFilter } from './events.ts';

/**
 * Counts the events of the caller's log that match a filter, which must be normalized. Without conditions, the log's numbers tell; with conditions, at most
 * so many of its first events are read as the bounds of lists allow.
 */
export async function countEvents(sql: Sql, caller: Caller, head: LogHead, filter: MessageEventFilter): Promise<Total> {
  const { statuses, messageSid, enterpriseSids, mappingSid, direction } = filter;
  const messages = [
    belonging({ organizationSid: caller.organizationSid, enterpriseSid: caller.enterpriseSid } as Caller),
    enterpriseSids ? { enterpriseSid: { in: [...enterpriseSids] } } : {},
    mappingSid ? { mappingSid } : {},
    direction ? { direction } : {},
  ];
  const isJoined = Boolean(caller.enterpriseSid || enterpriseSids || mappingSid || direction);
  if (!isJoined && !statuses && !messageSid) return { count: Number(head.seq - head.trimmed), isExact: true };
  // Each event of a join needs its message, too.
  const { page, count } = sql.bounds ?? BOUNDS;
  const bound = isJoined ? page : count;
  const values = new Values();
  const [organization, after] = [values.add(caller.organizationSid), values.add(String(head.trimmed))];
  const own = messageSid ? ` AND message_sid = ${values.add(messageSid)}` : '';
  const events = `SELECT status AS event_status, message_sid FROM message_event
    WHERE organization_sid = ${organization}${own} AND seq > ${after}::bigint${messageSid ? '' : ' ORDER BY seq'} LIMIT ${bound + 1}`;
  const matching = [
    ...(statuses ? [`event_status = ANY (${values.add([...statuses])}::channel_status[])`] : []),
    ...(isJoined ? [condition({ AND: messages }, values)] : []),
  ];
  const join = isJoined ? ` JOIN message ON ${columnOf('sid')} = message_sid` : '';
  const [row] = await sql.query<{ count: number; read: number }>(
    `SELECT (count(*) FILTER (WHERE ${matching.join(' AND ') || 'true'}))::int AS count, count(*)::int AS read FROM (${events}) AS event${join}`,
    values.given,
  );
  return { count: row?.count ?? 0, isExact: (row?.read ?? 0) <= bound };
}
