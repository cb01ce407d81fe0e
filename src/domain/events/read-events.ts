import { type ChannelStatus, type Message, Prisma } from '../../../prisma/client/client.ts';
import { columnList } from '../../database/lists/select.ts';
import type { Sql } from '../../database/sql.ts';
import type { EventWithMessage, LoggedEvent } from '../logged-event.ts';

/** A row of the statements below: an event with columns of its message. */
interface EventRow extends Pick<Message, 'sid' | 'enterpriseSid' | 'mappingSid' | 'direction'> {
  readonly event_seq: string;
  readonly event_status: ChannelStatus;
  readonly event_previous: ChannelStatus | null;
  readonly event_code: string | null;
  readonly event_text: string | null;
  readonly event_at: Date;
}

const FILTERED_FIELDS = ['sid', 'enterpriseSid', 'mappingSid', 'direction'] as const;
const ALL_FIELDS = Object.values(Prisma.MessageScalarFieldEnum);

/** OFFSET, since the planner expects a tenth of the log, and would read all messages for it: so it finds those of the events one by one. */
const select = (fields: readonly string[]) => `
  SELECT event_seq, event_status, event_previous, event_code, event_text, event_at, message.* FROM (
    SELECT seq AS event_seq, message_sid AS event_sid, status AS event_status, previous_status AS event_previous, error_code AS event_code,
      error_message AS event_text, occurred_at AS event_at
    FROM message_event WHERE organization_sid = $1 AND seq > $2 ORDER BY seq LIMIT $3
  ) AS event CROSS JOIN LATERAL (SELECT ${columnList(fields)} FROM message WHERE sid = event_sid OFFSET 0) AS message ORDER BY event_seq`;
const EVENTS = select(FILTERED_FIELDS);
const EVENTS_WITH_MESSAGES = select(ALL_FIELDS);

/** Reads the events after the number `after`, in order, at most `limit`. */
export async function readEvents(sql: LogReader, organizationSid: string, after: bigint, limit: number): Promise<LoggedEvent[]> {
  return (await sql.read<EventRow>(EVENTS, [organizationSid, after, limit])).map(eventOf);
}

/** The same, with their messages: who sends events on needs no second statement for them. */
export async function readEventsWithMessages(
  sql: LogReader,
  organizationSid: string,
  after: bigint,
  limit: number,
): Promise<EventWithMessage[]> {
  const rows = await sql.read<EventRow & Message>(EVENTS_WITH_MESSAGES, [organizationSid, after, limit]);
  return rows.map((row) => Object.assign(eventOf(row), { message: messageOf(row) }));
}

/** The part of Sql that reads the log: planning would take longer than reading the few events since the last time. */
export type LogReader = Pick<Sql, 'read'>;

const eventOf = (row: EventRow): LoggedEvent => ({
  seq: BigInt(row.event_seq),
  messageSid: row.sid,
  status: row.event_status,
  previousStatus: row.event_previous,
  errorCode: row.event_code,
  errorMessage: row.event_text,
  occurredAt: row.event_at,
  enterpriseSid: row.enterpriseSid,
  mappingSid: row.mappingSid,
  direction: row.direction,
});

function messageOf({ event_seq, event_status, event_previous, event_code, event_text, event_at, ...message }: EventRow & Message): Message {
  return message;
}
