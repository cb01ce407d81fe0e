import { type ChannelStatus, type Message, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { columnOf } from '../../database/lists/conditions.ts';
import { columnList } from '../../database/lists/select.ts';
import type { Sql } from '../../database/sql.ts';
import { type Actor, auditRecord } from '../audit.ts';
import type { EventWithMessage } from '../logged-event.ts';
import { comparedForm } from '../phone-numbers.ts';
import { newSid } from '../sid.ts';
import { fold } from '../text.ts';
import type { Transaction } from '../transaction.ts';
import { entersBelow, statusRank } from './message-status.ts';
import { encodingOf } from './sms-encoding.ts';

// The event log grows in two ways: a message is accepted, or its status advances. Each is one statement, which numbers the event last: that keeps the row
// lock on event_head short, and the lock makes the order of numbers the order of commits (docs/adr/0006).

type Client = PrismaClient | Transaction;

export interface NewMessage {
  readonly organizationSid: string;
  readonly enterpriseSid: string;
  readonly mappingSid: string | null;
  readonly accountSid: string;
  readonly direction: 'INBOUND' | 'OUTBOUND';
  readonly from: string;
  readonly to: string;
  /** The phone's one form (phones.ts): of `to` where the message comes from Teams, else of `from`. Read without a region if absent. */
  readonly phone?: string;
  readonly body: string;
  readonly mediaUrls?: readonly string[];
  /** Restcomm's sid of a message that arrived by SMS. */
  readonly restcommMessageSid?: string;
  /** The ids of a message that arrived from Teams. */
  readonly teams?: { readonly conversationId: string; readonly activityId: string };
  /** The conversation within which messages are delivered in order (lanes.ts). */
  readonly lane: string;
}

/**
 * Stores a message as QUEUED with its first event and its outbox entry, all or nothing. A message whose platform ids are stored already is not stored
 * again. A message of a held lane waits like the others there. Messages of one organization that arrive together are stored by one statement, since
 * their commits would wait for each other.
 * @param sender whom to record as the sender in the audit log, if anybody
 * @param appended called with the event, once it is committed
 * @returns the message; `undefined` where it was stored already
 */
export async function acceptMessage(
  sql: Sql,
  message: NewMessage,
  sender?: Actor,
  appended: (event: EventWithMessage) => void = () => {},
): Promise<Message | undefined> {
  const accepted = await accept(
    message,
    sender,
    (values) => sql.writeTogether({ text: ACCEPT, values, group: message.organizationSid }),
    (text, values) => sql.query<Message>(text, values),
  );
  if (accepted) appended(accepted);
  return accepted?.message;
}

/**
 * Stores a message as acceptMessage does, in a transaction and without a record in the audit log.
 * @returns the message; `undefined` where it was stored already
 */
export async function acceptMessageIn(tx: Transaction, message: NewMessage): Promise<Message | undefined> {
  const accepted = await accept(
    message,
    undefined,
    (values) => tx.$queryRawUnsafe<AcceptedRow[]>(ACCEPT, ...values.map((value) => [value])),
    (text, values) => tx.$queryRawUnsafe<Message[]>(text, ...values),
  );
  return accepted?.message;
}

/** A stored message, its request's place in the batch, whether its lane is held, and its event. */
interface AcceptedRow extends Message {
  readonly request_place: number;
  readonly lane_held: boolean;
  readonly event_seq: string | bigint;
  readonly event_at: Date;
}

async function accept(
  message: NewMessage,
  sender: Actor | undefined,
  run: (values: readonly unknown[]) => Promise<AcceptedRow[]>,
  query: (text: string, values: readonly unknown[]) => Promise<Message[]>,
): Promise<EventWithMessage | undefined> {
  const { organizationSid, enterpriseSid, mappingSid, accountSid, direction, from, to, body, restcommMessageSid, teams, lane } = message;
  const sid = newSid('MS');
  const mediaUrls = message.mediaUrls ?? [];
  const phone = message.phone ?? comparedForm(direction === 'INBOUND' ? to : from);
  const { encoding, segments } = encodingOf(body);
  const record = sender && auditRecord(sender, { action: 'message.send', targetSid: sid });
  const values: Record<AcceptParameter, unknown> = {
    sid,
    organizationSid,
    enterpriseSid,
    mappingSid,
    accountSid,
    direction,
    type: mediaUrls.length > 0 ? 'MMS' : 'SMS',
    from,
    fromFolded: direction === 'INBOUND' ? fold(from) : phone,
    to,
    toFolded: direction === 'INBOUND' ? phone : fold(to),
    body,
    mediaUrls: JSON.stringify(mediaUrls),
    segments,
    encoding,
    restcommMessageSid,
    teamsConversationId: teams?.conversationId,
    teamsActivityId: teams?.activityId,
    lane,
    recordSid: record?.sid,
    recordAccountSid: record?.accountSid,
    recordAdminSid: record?.adminSid,
    recordAccessTokenSid: record?.accessTokenSid,
    recordRequestId: record?.requestId,
    recordRemoteAddress: record?.remoteAddress,
  };
  const [row] = await run(ACCEPT_PARAMETERS.map((name) => values[name] ?? null));
  if (!row) return undefined;
  const { request_place: _place, lane_held: isHeld, event_seq: seq, event_at: occurredAt, ...stored } = row;
  // The lane was held while the statement ran, which did not see why.
  const [waiting] = isHeld && !stored.stuck ? await query(JOIN_HOLD, [sid, lane]) : [];
  const event = { messageSid: sid, status: 'QUEUED', previousStatus: null, errorCode: null, errorMessage: null } as const;
  return { ...event, seq: BigInt(seq), occurredAt, enterpriseSid, mappingSid, direction, message: waiting ?? stored };
}

/** The parameters of ACCEPT, and the PostgreSQL type of each one's elements. */
const ACCEPT_TYPES = {
  sid: 'text',
  organizationSid: 'text',
  enterpriseSid: 'text',
  mappingSid: 'text',
  accountSid: 'text',
  direction: 'text',
  type: 'text',
  from: 'text',
  fromFolded: 'text',
  to: 'text',
  toFolded: 'text',
  body: 'text',
  mediaUrls: 'text',
  segments: 'int',
  encoding: 'text',
  restcommMessageSid: 'text',
  teamsConversationId: 'text',
  teamsActivityId: 'text',
  lane: 'text',
  recordSid: 'text',
  recordAccountSid: 'text',
  recordAdminSid: 'text',
  recordAccessTokenSid: 'text',
  recordRequestId: 'text',
  recordRemoteAddress: 'text',
} as const;
type AcceptParameter = keyof typeof ACCEPT_TYPES;
const ACCEPT_PARAMETERS = Object.keys(ACCEPT_TYPES) as AcceptParameter[];

/**
 * Stores messages of one organization; each parameter is an array over them. Rows are locked in the order of platform ids, then of lanes, so that two of
 * these statements never deadlock. event_head is locked after all else (the counts below enforce it), so that a lane that another transaction has locked
 * delays only its own messages, and the others of the organization wait for little more than the commit.
 */
const ACCEPT = `
  WITH given AS (
    SELECT * FROM unnest(${Object.values(ACCEPT_TYPES)
      .map((type, index) => `$${index + 1}::${type}[]`)
      .join(', ')})
      WITH ORDINALITY AS given (${ACCEPT_PARAMETERS.map(columnOf).join(', ')}, request_place)
  ), stored AS (
    INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded,
      body, media_urls, segments, encoding, channel_status, status_rank, restcomm_message_sid, teams_conversation_id, teams_activity_id,
      stuck, hold_reason, held_since, channel_error_code, channel_error_message)
    SELECT sid, given.organization_sid, given.enterprise_sid, given.mapping_sid, given.account_sid, direction::message_direction,
      type::message_type, "from", from_folded, "to", to_folded, body, ARRAY(SELECT jsonb_array_elements_text(media_urls::jsonb)), segments,
      encoding::message_encoding, 'QUEUED', ${statusRank('QUEUED')}, restcomm_message_sid, teams_conversation_id, teams_activity_id,
      hold.lane IS NOT NULL, hold.reason, hold.since, hold.code, hold.message
    FROM given LEFT JOIN lane_hold hold ON hold.lane = given.lane COLLATE "C" ORDER BY restcomm_message_sid, teams_conversation_id, teams_activity_id, request_place
    ON CONFLICT DO NOTHING
    RETURNING *
  ), placed AS MATERIALIZED (
    SELECT given.* FROM given JOIN stored ON stored.sid = given.sid COLLATE "C" ORDER BY given.request_place
  ), queued AS (
    INSERT INTO outbox (message_sid, lane) SELECT sid, lane FROM placed RETURNING 1
  ), lane AS (
    INSERT INTO outbox_lane AS l (lane, organization_sid) SELECT DISTINCT lane COLLATE "C", organization_sid FROM placed ORDER BY 1
    ON CONFLICT (lane) DO UPDATE SET lane = l.lane
    RETURNING lane, held
  ), record AS (
    INSERT INTO audit_log (sid, organization_sid, action, target_sid, account_sid, admin_sid, access_token_sid, request_id, remote_address)
    SELECT record_sid, organization_sid, 'message.send', sid, record_account_sid, record_admin_sid, record_access_token_sid, record_request_id,
      record_remote_address
    FROM placed WHERE record_sid IS NOT NULL RETURNING 1
  ), head AS (
    INSERT INTO event_head AS h (organization_sid, seq)
    SELECT organization_sid, count(*) FROM placed
    WHERE (SELECT count(*) FROM lane) > 0 AND (SELECT count(*) FROM queued) > 0 AND (SELECT count(*) FROM record) >= 0 GROUP BY organization_sid
    ON CONFLICT (organization_sid) DO UPDATE SET seq = h.seq + excluded.seq
    RETURNING seq
  ), event AS (
    INSERT INTO message_event (organization_sid, seq, message_sid, status)
    SELECT organization_sid, head.seq - count(*) OVER () + row_number() OVER (ORDER BY request_place), sid, 'QUEUED' FROM placed, head
    RETURNING message_sid AS event_sid, seq AS event_seq, occurred_at AS event_at
  )
  SELECT ${columnList(Object.values(Prisma.MessageScalarFieldEnum))}, request_place::int, lane_held, event_seq, event_at
  FROM stored JOIN (
    SELECT placed.sid AS placed_sid, request_place, lane.held AS lane_held FROM placed JOIN lane ON lane.lane = placed.lane COLLATE "C"
  ) AS p ON p.placed_sid COLLATE "C" = stored.sid JOIN event ON event_sid = stored.sid`;

/** Marks a message as waiting for what its lane waits for. */
const JOIN_HOLD = `
  UPDATE message SET (stuck, hold_reason, held_since, channel_error_code, channel_error_message) =
    (SELECT true, reason, since, code, message FROM lane_hold WHERE lane = $2)
  WHERE sid = $1 AND channel_status = 'QUEUED' AND EXISTS (SELECT 1 FROM lane_hold WHERE lane = $2)
  RETURNING ${columnList(Object.values(Prisma.MessageScalarFieldEnum))}`;

/** channelErrorCode of a failure that the carrier gives no reason for (MessageError.UNKNOWN_ERROR of RestComm/Restcomm-Connect). */
export const UNKNOWN_ERROR = '30008';
/** channelErrorCode of a message that the carrier never reported the end of. */
export const NO_REPORT = 'NO_REPORT';
/** channelErrorCode of a message whose text the carrier cut or changed. It stays until the message fails. */
export const TEXT_CHANGED = 'TEXT_CHANGED';

export interface StatusReport {
  readonly status: ChannelStatus;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  /** The platform's ids, stored whether or not the status advances. */
  readonly restcommMessageSid?: string;
  readonly teams?: { readonly conversationId: string; readonly activityId: string };
  /** Whether a retry of a FAILED message would fail again. */
  readonly isFinal?: boolean;
}

/**
 * Advances a message's status and appends the event, or does neither: a repeated, late or conflicting report changes nothing.
 * @returns `advanced`, or the status that the message keeps
 */
export async function advanceStatus(client: Client, messageSid: string, report: StatusReport): Promise<'advanced' | ChannelStatus> {
  const { status, errorCode = null, errorMessage = null, restcommMessageSid = null, isFinal = false } = report;
  await keepIds(client, messageSid, report);
  const rows = await client.$queryRaw<{ seq: bigint }[]>`
    WITH before AS (
      SELECT sid, channel_status FROM message WHERE sid = ${messageSid} AND status_rank < ${entersBelow(status)}
        AND (${restcommMessageSid}::text IS NULL OR ${restcommMessageSid}::text <> ALL (former_restcomm_sids)) FOR UPDATE
    ), advanced AS (
      UPDATE message m SET channel_status = ${status}::channel_status, status_rank = ${statusRank(status)}, date_updated = now(),
        channel_error_code = CASE WHEN ${errorCode}::text IS NULL AND channel_error_code = ${TEXT_CHANGED}
          THEN channel_error_code ELSE ${errorCode} END,
        channel_error_message = CASE WHEN ${errorCode}::text IS NULL AND channel_error_code = ${TEXT_CHANGED}
          THEN channel_error_message ELSE ${errorMessage} END,
        stuck = false, hold_reason = NULL, held_since = NULL, failed_for_good = ${isFinal && status === 'FAILED'}
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

/**
 * Keeps what a report that did not advance the status says beyond what is stored: the reason of a failure that had none or says less, or that
 * the text was changed. Restcomm may report a failure without a code first: its SIP path knows none, its SMPP path does (SmsSession and
 * TelestaxDlrParser of RestComm/Restcomm-Connect).
 */
export async function keepReason(client: Client, messageSid: string, { errorCode, errorMessage = '' }: StatusReport): Promise<void> {
  if (!errorCode) return;
  await client.$executeRaw`
    UPDATE message SET channel_error_code = ${errorCode}, channel_error_message = ${errorMessage}, date_updated = now()
    WHERE sid = ${messageSid} AND CASE
      WHEN ${errorCode}::text = ${TEXT_CHANGED} THEN channel_error_code IS NULL
      WHEN channel_status NOT IN ('UNDELIVERED', 'FAILED') THEN false
      WHEN channel_error_code = ${errorCode} THEN starts_with(${errorMessage}, channel_error_message) AND channel_error_message <> ${errorMessage}
      ELSE channel_error_code = ${NO_REPORT} OR (channel_error_code = ${UNKNOWN_ERROR} AND ${errorCode}::text <> ${NO_REPORT}) END`;
}

/**
 * Stores the platform's ids of a message. Its first Restcomm sid stays. A further one means that the platform took the message twice, and marks it as
 * possibly duplicated, unless the sid is another message's.
 */
async function keepIds(client: Client, messageSid: string, { restcommMessageSid, teams }: StatusReport): Promise<void> {
  if (restcommMessageSid) {
    await client.$executeRaw`
      UPDATE message m SET restcomm_message_sid = coalesce(restcomm_message_sid, ${restcommMessageSid}),
        possibly_duplicated = possibly_duplicated OR restcomm_message_sid IS NOT NULL
      WHERE sid = ${messageSid} AND restcomm_message_sid IS DISTINCT FROM ${restcommMessageSid}
        AND ${restcommMessageSid} <> ALL (former_restcomm_sids) AND NOT EXISTS (
        SELECT 1 FROM message WHERE organization_sid = m.organization_sid AND restcomm_message_sid = ${restcommMessageSid})`;
  }
  if (teams) {
    const { conversationId: teamsConversationId, activityId: teamsActivityId } = teams;
    await client.message.updateMany({ where: { sid: messageSid }, data: { teamsConversationId, teamsActivityId } });
  }
}
