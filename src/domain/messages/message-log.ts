import { type Message, Prisma } from '../../../prisma/client/client.ts';
import { columnOf } from '../../database/lists/conditions.ts';
import { columnList } from '../../database/lists/select.ts';
import type { Sql } from '../../database/sql.ts';
import { currentTrace } from '../../traces/spans.ts';
import { type Actor, auditRecord } from '../audit.ts';
import type { EventWithMessage } from '../logged-event.ts';
import type { Transaction } from '../transaction.ts';
import { comparedForm } from '../values/phone-numbers.ts';
import { newSid } from '../values/sid.ts';
import { fold } from '../values/text.ts';
import { statusRank } from './message-status.ts';
import { publishStep } from './message-steps.ts';
import { KEEP_TRACE } from './message-trace.ts';
import { type StoringTexts, storeNoting } from './noted-accounts.ts';
import { encodingOf } from './sms-encoding.ts';

// The event log grows in three ways: a message is accepted (here), its status advances (status-reports.ts), or a failed one is queued again
// (retry-messages.ts). Each numbers its events last: that keeps the row lock on event_head short, and the lock makes the order of numbers the order
// of commits (docs/adr/0006).

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
    (values) => storeNoting(sql, message, ACCEPT, (text) => sql.writeTogether({ text, values, group: message.organizationSid })),
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
    (values) => tx.$queryRawUnsafe<AcceptedRow[]>(ACCEPT.noting, ...values.map((value) => [value])),
    (text, values) => tx.$queryRawUnsafe<Message[]>(text, ...values),
  );
  return accepted?.message;
}

/**
 * A condition of storing messages, and what is changed with them, within the same statement. Both are SQL, and read the part `given`: the columns of a
 * message's request (ACCEPT_TYPES, in snake case) and those of `types`.
 */
export interface AcceptGuard {
  /** Further values, and the PostgreSQL type of each one's elements. */
  readonly types: Readonly<Record<string, string>>;
  /** A SELECT of the `request_place` of those that may be stored. May lock rows, before any lane is locked. */
  readonly allowed: string;
  /** A statement that reads those that were stored from `placed`, which has the columns of `given`. */
  readonly alongside: string;
}

/**
 * Stores a message as acceptMessage does, if a guard allows it.
 * @param guard must be a constant: its statement is made once
 * @param values of the guard's `types`
 * @param key messages with the same key are not stored by the same statement
 * @returns the message; `undefined` where it is not allowed, or was stored already
 */
export async function acceptGuarded(
  sql: Sql,
  guard: AcceptGuard,
  message: NewMessage,
  values: readonly unknown[],
  key: string,
): Promise<Message | undefined> {
  const accepted = await accept(
    message,
    undefined,
    (own) =>
      storeNoting(sql, message, guardedTexts(guard), (text) =>
        sql.writeTogether({ text, values: [...own, ...values], group: message.organizationSid, key }),
      ),
    (text, own) => sql.query<Message>(text, own),
  );
  return accepted?.message;
}

const knownTexts = new WeakMap<AcceptGuard, StoringTexts>();

function guardedTexts(guard: AcceptGuard): StoringTexts {
  const known = knownTexts.get(guard);
  if (known !== undefined) return known;
  const texts = acceptTexts(guard);
  knownTexts.set(guard, texts);
  return texts;
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
  const trace = currentTrace();
  if (trace !== undefined) await query(KEEP_TRACE, [sid, trace]);
  const [row] = await run(ACCEPT_PARAMETERS.map((name) => values[name] ?? null));
  if (!row) return undefined;
  publishStep({ direction, status: 'QUEUED' });
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

/** For the trigger message_accounts_noted, until the end of the transaction. */
const SKIP_NOTING = "set_config('gateway.message_accounts_noted', 'on', true)";

/**
 * Stores messages of one organization; each parameter is an array over them. Rows are locked in the order of platform ids, then of lanes, so that two of
 * these statements never deadlock. event_head is locked after all else (the counts below enforce it), so that a lane that another transaction has locked
 * delays only its own messages, and the others of the organization wait for little more than the commit. The foreign
 * key would lock the mapping later still: its deletion, which changes its messages, waits for their reports, and these for the head.
 */
const acceptText = ({ types, allowed, alongside }: AcceptGuard, isNoted: boolean) => `
  WITH settings AS MATERIALIZED (SELECT ${isNoted ? SKIP_NOTING : 1}
  ), given AS (
    SELECT given.* FROM settings, unnest(${Object.values({ ...ACCEPT_TYPES, ...types })
      .map((type, index) => `$${index + 1}::${type}[]`)
      .join(', ')})
      WITH ORDINALITY AS given (${[...ACCEPT_PARAMETERS, ...Object.keys(types)].map(columnOf).join(', ')}, request_place)
  ), allowed AS MATERIALIZED (${allowed}
  ), stored AS (
    INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded,
      body, media_urls, segments, encoding, channel_status, status_rank, restcomm_message_sid, teams_conversation_id, teams_activity_id,
      stuck, hold_reason, held_since, channel_error_code, channel_error_message)
    SELECT sid, given.organization_sid, given.enterprise_sid, given.mapping_sid, given.account_sid, direction::message_direction,
      type::message_type, "from", from_folded, "to", to_folded, body, ARRAY(SELECT jsonb_array_elements_text(media_urls::jsonb)), segments,
      encoding::message_encoding, 'QUEUED', ${statusRank('QUEUED')}, restcomm_message_sid, teams_conversation_id, teams_activity_id,
      hold.lane IS NOT NULL, hold.reason, hold.since, hold.code, hold.message
    FROM given JOIN allowed USING (request_place) LEFT JOIN lane_hold hold ON hold.lane = given.lane COLLATE "C"
    ORDER BY restcomm_message_sid, teams_conversation_id, teams_activity_id, request_place
    ON CONFLICT DO NOTHING
    RETURNING *
  ), placed AS MATERIALIZED (
    SELECT given.* FROM given JOIN stored ON stored.sid = given.sid COLLATE "C" ORDER BY given.request_place
  ), mapped AS MATERIALIZED (
    SELECT m.sid FROM placed JOIN mapping m ON m.sid = placed.mapping_sid COLLATE "C" FOR KEY SHARE OF m
  ), alongside AS (${alongside}
  ), queued AS (
    INSERT INTO outbox (message_sid, lane) SELECT sid, lane FROM placed RETURNING 1
  ), lane AS (
    INSERT INTO outbox_lane AS l (lane, organization_sid) SELECT DISTINCT lane COLLATE "C", organization_sid FROM placed ORDER BY 1
    ON CONFLICT (lane) DO UPDATE SET additions = l.additions + 1
    RETURNING lane, held
  ), record AS (
    INSERT INTO audit_log (sid, organization_sid, action, target_sid, account_sid, admin_sid, access_token_sid, request_id, remote_address)
    SELECT record_sid, organization_sid, 'message.send', sid, record_account_sid, record_admin_sid, record_access_token_sid, record_request_id,
      record_remote_address
    FROM placed WHERE record_sid IS NOT NULL RETURNING 1
  ), head AS (
    INSERT INTO event_head AS h (organization_sid, seq)
    SELECT organization_sid, count(*) FROM placed
    WHERE (SELECT count(*) FROM lane) > 0 AND (SELECT count(*) FROM queued) > 0 AND (SELECT count(*) FROM record) >= 0
      AND (SELECT count(*) FROM mapped) >= 0 GROUP BY organization_sid
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
const acceptTexts = (guard: AcceptGuard): StoringTexts => ({ noting: acceptText(guard, false), noted: acceptText(guard, true) });
const ACCEPT = acceptTexts({ types: {}, allowed: 'SELECT request_place FROM given', alongside: 'SELECT 1' });

/** Marks a message as waiting for what its lane waits for. */
const JOIN_HOLD = `
  UPDATE message SET (stuck, hold_reason, held_since, channel_error_code, channel_error_message) =
    (SELECT true, reason, since, code, message FROM lane_hold WHERE lane = $2)
  WHERE sid = $1 AND channel_status = 'QUEUED' AND EXISTS (SELECT 1 FROM lane_hold WHERE lane = $2)
  RETURNING ${columnList(Object.values(Prisma.MessageScalarFieldEnum))}`;
