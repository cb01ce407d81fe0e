import { type ChannelStatus, type Message, Prisma, type PrismaClient } from '../../prisma/client/client.ts';
import { columnList, selectRow } from '../database/select.ts';
import type { Sql } from '../database/sql.ts';
import { type Actor, auditRecord } from './audit.ts';
import { entersBelow, statusRank } from './message-status.ts';
import { newSid } from './sid.ts';
import { encodingOf } from './sms-encoding.ts';
import { fold } from './text.ts';
import type { Transaction } from './transaction.ts';

// The two ways in which the event log grows: a message is accepted, or its status advances. Each is one statement, in which the event is numbered
// last: the row lock on event_head is then held the shortest, and order of numbers = order of commits (docs/adr/0006).

type Client = PrismaClient | Transaction;

export interface NewMessage {
  readonly organizationSid: string;
  readonly enterpriseSid: string;
  readonly mappingSid: string | null;
  readonly accountSid: string;
  readonly direction: 'INBOUND' | 'OUTBOUND';
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly mediaUrls?: readonly string[];
  /** The sid that the platform gave a message that came in by SMS. */
  readonly restcommMessageSid?: string;
  /** The ids that Teams gave a message that came in from there. */
  readonly teams?: { readonly conversationId: string; readonly activityId: string };
  /** The conversation in whose order it is handed over. */
  readonly lane: string;
}

/**
 * Stores a message, QUEUED, with its first event and its place in the outbox, all or nothing. A message whose platform ids are already here is
 * not stored again.
 * @param sql the database, or a transaction of it (`sqlOf`)
 * @param sender who sends it, where that is to be recorded with it
 * @returns the message's sid, and the message where it was stored now
 */
export async function acceptMessage(
  sql: Pick<Sql, 'query'>,
  message: NewMessage,
  sender?: Actor,
): Promise<{ sid: string; stored?: Message }> {
  const sid = newSid('MS');
  const mediaUrls = [...(message.mediaUrls ?? [])];
  const { encoding, segments } = encodingOf(message.body);
  const { organizationSid, enterpriseSid, mappingSid, accountSid, direction, from, to, body, restcommMessageSid, teams, lane } = message;
  const type = mediaUrls.length > 0 ? 'MMS' : 'SMS';
  const record = sender && auditRecord(sender, { action: 'message.send', targetSid: sid });
  const [stored] = await sql.query<Message>(
    record ? ACCEPT_RECORDED : ACCEPT,
    [
      ...[sid, organizationSid, enterpriseSid, mappingSid, accountSid, direction, type, from, fold(from), to, fold(to), body, mediaUrls],
      ...[
        segments,
        encoding,
        statusRank('QUEUED'),
        restcommMessageSid ?? null,
        teams?.conversationId ?? null,
        teams?.activityId ?? null,
        lane,
      ],
      ...(record ? [record.sid, record.accountSid, record.adminSid, record.accessTokenSid, record.requestId, record.remoteAddress] : []),
    ].map((value) => value ?? null),
  );
  return stored ? { sid, stored } : { sid: await existing(sql, message) };
}

const accept = (record: string) => `
  WITH stored AS (
    INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded,
      body, media_urls, segments, encoding, channel_status, status_rank, restcomm_message_sid, teams_conversation_id, teams_activity_id)
    VALUES ($1, $2, $3, $4, $5, $6::message_direction, $7::message_type, $8, $9, $10, $11, $12, $13::text[], $14::int, $15::message_encoding,
      'QUEUED', $16::int, $17, $18, $19)
    ON CONFLICT DO NOTHING
    RETURNING *
  ), queued AS (
    INSERT INTO outbox (message_sid, lane) SELECT sid, $20::text FROM stored
  ), lane AS (
    INSERT INTO outbox_lane AS l (lane, organization_sid) SELECT $20::text, organization_sid FROM stored
    ON CONFLICT (lane) DO UPDATE SET lane = l.lane
  ), head AS (
    INSERT INTO event_head AS h (organization_sid, seq) SELECT organization_sid, 1 FROM stored
    ON CONFLICT (organization_sid) DO UPDATE SET seq = h.seq + 1
    RETURNING seq
  ), event AS (
    INSERT INTO message_event (organization_sid, seq, message_sid, status)
    SELECT stored.organization_sid, head.seq, stored.sid, 'QUEUED' FROM stored, head
  )${record}
  SELECT ${columnList(Object.values(Prisma.MessageScalarFieldEnum))} FROM stored`;

const ACCEPT = accept('');
const ACCEPT_RECORDED = accept(`, record AS (
    INSERT INTO audit_log (sid, organization_sid, action, target_sid, account_sid, admin_sid, access_token_sid, request_id, remote_address)
    SELECT $21, organization_sid, 'message.send', sid, $22, $23, $24, $25, $26 FROM stored
  )`);

/** Has the outbox looked at for this lane: now, unless it waits for a pause to end. */
export async function openLane(tx: Transaction, lane: string, organizationSid: string): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO outbox_lane AS l (lane, organization_sid) VALUES (${lane}, ${organizationSid}) ON CONFLICT (lane) DO UPDATE SET lane = l.lane`;
}

/** The message that already has these platform ids. */
async function existing(sql: Pick<Sql, 'query'>, { organizationSid, restcommMessageSid, teams }: NewMessage): Promise<string> {
  const ids = restcommMessageSid
    ? { restcommMessageSid }
    : { direction: 'INBOUND' as const, teamsConversationId: teams?.conversationId, teamsActivityId: teams?.activityId };
  const found = await selectRow<Message>(sql, { name: 'message', fields: SID }, { organizationSid, ...ids });
  if (!found) throw new Error('a message that is here already is not found');
  return found.sid;
}
const SID = ['sid'] as const;

export interface StatusReport {
  readonly status: ChannelStatus;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  /** Learned with the report, kept whether or not the status advances. */
  readonly restcommMessageSid?: string;
  readonly teams?: { readonly conversationId: string; readonly activityId: string };
}

/**
 * Advances a message's status and appends the event, or does neither: a repeated, late or conflicting report changes nothing.
 * @returns `advanced`, else the status that the message keeps
 */
export async function advanceStatus(client: Client, messageSid: string, report: StatusReport): Promise<'advanced' | ChannelStatus> {
  const { status, errorCode = null, errorMessage = null } = report;
  await keepIds(client, messageSid, report);
  const rows = await client.$queryRaw<{ seq: bigint }[]>`
    WITH before AS (
      SELECT sid, channel_status FROM message WHERE sid = ${messageSid} AND status_rank < ${entersBelow(status)} FOR UPDATE
    ), advanced AS (
      UPDATE message m SET channel_status = ${status}::channel_status, status_rank = ${statusRank(status)}, date_updated = now(),
        channel_error_code = ${errorCode}, channel_error_message = ${errorMessage}, stuck = false
      FROM before WHERE m.sid = before.sid
      RETURNING m.organization_sid, m.sid, before.channel_status AS previous
    ), head AS (
      INSERT INTO event_head AS h (organization_sid, seq) SELECT organization_sid, 1 FROM advanced
      ON CONFLICT (organization_sid) DO UPDATE SET seq = h.seq + 1
      RETURNING seq
    )
    INSERT INTO message_event (organization_sid, seq, message_sid, status, previous_status, error_code, error_message)
    SELECT advanced.organization_sid, head.seq, advanced.sid, ${status}::channel_status, advanced.previous, ${errorCode}, ${errorMessage}
    FROM advanced, head
    RETURNING seq`;
  if (rows[0]) return 'advanced';
  const { channelStatus } = await client.message.findUniqueOrThrow({ where: { sid: messageSid }, select: { channelStatus: true } });
  return channelStatus;
}

/** The first sid stays. Another one of the same message tells that the platform took it twice; one that is another message's tells nothing. */
async function keepIds(client: Client, messageSid: string, { restcommMessageSid, teams }: StatusReport): Promise<void> {
  if (restcommMessageSid) {
    await client.$executeRaw`
      UPDATE message m SET restcomm_message_sid = coalesce(restcomm_message_sid, ${restcommMessageSid}),
        possibly_duplicated = possibly_duplicated OR restcomm_message_sid IS NOT NULL
      WHERE sid = ${messageSid} AND restcomm_message_sid IS DISTINCT FROM ${restcommMessageSid} AND NOT EXISTS (
        SELECT 1 FROM message WHERE organization_sid = m.organization_sid AND restcomm_message_sid = ${restcommMessageSid})`;
  }
  if (teams) {
    const { conversationId: teamsConversationId, activityId: teamsActivityId } = teams;
    await client.message.updateMany({ where: { sid: messageSid }, data: { teamsConversationId, teamsActivityId } });
  }
}
