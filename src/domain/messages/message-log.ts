import { type ChannelStatus, type Message, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { quoted } from '../../database/lists/conditions.ts';
import { columnList } from '../../database/lists/select.ts';
import type { Sql } from '../../database/sql.ts';
import { type Actor, auditRecord } from '../audit.ts';
import { newSid } from '../sid.ts';
import { fold } from '../text.ts';
import type { Transaction } from '../transaction.ts';
import { entersBelow, statusRank } from './message-status.ts';
import { encodingOf } from './sms-encoding.ts';

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
 * not stored again. Those of one organization that come at once are stored by one statement: their commits would follow one another.
 * @param sender who sends it, where that is to be recorded with it
 * @returns the message, or nothing where it was stored before
 */
export const acceptMessage = (sql: Sql, message: NewMessage, sender?: Actor): Promise<Message | undefined> =>
  accepted(message, sender, (values) => sql.writeTogether({ text: ACCEPT, values, among: message.organizationSid }));

/** The same in a transaction. */
export const acceptMessageIn = (tx: Transaction, message: NewMessage): Promise<Message | undefined> =>
  accepted(message, undefined, (values) => tx.$queryRawUnsafe<Accepted[]>(ACCEPT, ...values.map((value) => [value])));

interface Accepted extends Message {
  readonly asked_place: number;
}

async function accepted(
  message: NewMessage,
  sender: Actor | undefined,
  ask: (values: readonly unknown[]) => Promise<Accepted[]>,
): Promise<Message | undefined> {
  const { organizationSid, enterpriseSid, mappingSid, accountSid, direction, from, to, body, restcommMessageSid, teams, lane } = message;
  const sid = newSid('MS');
  const mediaUrls = message.mediaUrls ?? [];
  const { encoding, segments } = encodingOf(body);
  const record = sender && auditRecord(sender, { action: 'message.send', targetSid: sid });
  const values: Record<keyof typeof GIVEN, unknown> = {
    sid,
    organizationSid,
    enterpriseSid,
    mappingSid,
    accountSid,
    direction,
    type: mediaUrls.length > 0 ? 'MMS' : 'SMS',
    from,
    fromFolded: fold(from),
    to,
    toFolded: fold(to),
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
  const [row] = await ask(NAMES.map((name) => values[name] ?? null));
  if (!row) return undefined;
  const { asked_place: _, ...stored } = row;
  return stored;
}

/** What ACCEPT is given of each message, and its PostgreSQL types. */
const GIVEN = {
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
const NAMES = Object.keys(GIVEN) as (keyof typeof GIVEN)[];
const TYPES = Object.values(GIVEN);

/**
 * For messages of one organization, each value an array over them. Platform ids and lanes are taken in their order, so that two of these never wait for
 * each other, and the head behind the lanes, that one of which somebody has holds up its own messages alone: PostgreSQL runs parts that nobody reads last
 * to first.
 */
const ACCEPT = `
  WITH given AS (
    SELECT * FROM unnest(${TYPES.map((type, place) => `$${place + 1}::${type}[]`).join(', ')})
      WITH ORDINALITY AS given (${NAMES.map(quoted).join(', ')}, asked_place)
  ), stored AS (
    INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded,
      body, media_urls, segments, encoding, channel_status, status_rank, restcomm_message_sid, teams_conversation_id, teams_activity_id)
    SELECT sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction::message_direction, type::message_type, "from", from_folded,
      "to", to_folded, body, ARRAY(SELECT jsonb_array_elements_text(media_urls::jsonb)), segments, encoding::message_encoding,
      'QUEUED', ${statusRank('QUEUED')}, restcomm_message_sid, teams_conversation_id, teams_activity_id
    FROM given ORDER BY restcomm_message_sid, teams_conversation_id, teams_activity_id, asked_place
    ON CONFLICT DO NOTHING
    RETURNING *
  ), placed AS MATERIALIZED (
    SELECT given.* FROM given JOIN stored ON stored.sid = given.sid COLLATE "C" ORDER BY given.asked_place
  ), queued AS (
    INSERT INTO outbox (message_sid, lane) SELECT sid, lane FROM placed
  ), lane AS (
    INSERT INTO outbox_lane AS l (lane, organization_sid) SELECT DISTINCT lane COLLATE "C", organization_sid FROM placed ORDER BY 1
    ON CONFLICT (lane) DO UPDATE SET lane = l.lane
    RETURNING lane
  ), head AS (
    INSERT INTO event_head AS h (organization_sid, seq)
    SELECT organization_sid, count(*) FROM placed WHERE (SELECT count(*) FROM lane) > 0 GROUP BY organization_sid
    ON CONFLICT (organization_sid) DO UPDATE SET seq = h.seq + excluded.seq
    RETURNING seq
  ), event AS (
    INSERT INTO message_event (organization_sid, seq, message_sid, status)
    SELECT organization_sid, head.seq - count(*) OVER () + row_number() OVER (ORDER BY asked_place), sid, 'QUEUED' FROM placed, head
  ), record AS (
    INSERT INTO audit_log (sid, organization_sid, action, target_sid, account_sid, admin_sid, access_token_sid, request_id, remote_address)
    SELECT record_sid, organization_sid, 'message.send', sid, record_account_sid, record_admin_sid, record_access_token_sid, record_request_id,
      record_remote_address
    FROM placed WHERE record_sid IS NOT NULL
  )
  SELECT ${columnList(Object.values(Prisma.MessageScalarFieldEnum))}, asked_place::int
  FROM stored JOIN (SELECT sid AS placed_sid, asked_place FROM placed) AS p ON p.placed_sid COLLATE "C" = stored.sid`;

/** Has the outbox looked at for this lane: now, unless it waits for a pause to end. */
export async function openLane(tx: Transaction, lane: string, organizationSid: string): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO outbox_lane AS l (lane, organization_sid) VALUES (${lane}, ${organizationSid}) ON CONFLICT (lane) DO UPDATE SET lane = l.lane`;
}

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
