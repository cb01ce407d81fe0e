import type { ChannelStatus } from '../../../prisma/client/client.ts';
import type { Sql } from '../../database/sql.ts';
import type { Transaction } from '../transaction.ts';
import { entersBelow, statusRank } from './message-status.ts';

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

/** What a report has done: `advanced`, or the status that the message keeps. */
export type ReportOutcome = 'advanced' | ChannelStatus;

/** A row of a statement that contains `reporting`. */
export interface ReportRow {
  readonly request_place: number;
  readonly kept: ChannelStatus;
  readonly advances: boolean;
}

/**
 * Advances a message's status and appends the event, or does neither: a repeated, late or conflicting report changes nothing, except that it may
 * improve the reason of a failure. Reports about one organization's messages that arrive together are one statement.
 */
export async function reportStatus(
  sql: Sql,
  message: { sid: string; organizationSid: string },
  report: StatusReport,
): Promise<ReportOutcome> {
  const values = reportValues(message.sid, report);
  // A statement takes one report of a message: of two rows, UPDATE would take either.
  const statement = { text: REPORT, values, group: message.organizationSid, key: message.sid, waitMs: REPORTING_WAIT_MS };
  const rows = await sql.writeTogether<ReportRow>(statement);
  return outcomeOf(rows[0], message.sid);
}

/** Does what reportStatus does, in a transaction. Comes last there, as it locks the head of the log (docs/adr/0006). */
export async function advanceStatus(
  tx: Pick<Transaction, '$queryRawUnsafe'>,
  messageSid: string,
  report: StatusReport,
): Promise<ReportOutcome> {
  const rows = await tx.$queryRawUnsafe<ReportRow[]>(REPORT, ...reportValues(messageSid, report).map((value) => [value]));
  return outcomeOf(rows[0], messageSid);
}

/** @throws Error if there is no such message */
export function outcomeOf(row: ReportRow | undefined, messageSid: string): ReportOutcome {
  if (!row) throw new Error(`There is no message ${messageSid} to report about`);
  return row.advances ? 'advanced' : row.kept;
}

/** The values of a report, and the PostgreSQL type of each. */
export const REPORT_TYPES = {
  message_sid: 'text',
  status: 'text',
  enters_below: 'int',
  status_rank: 'int',
  error_code: 'text',
  error_message: 'text',
  restcomm_sid: 'text',
  conversation_id: 'text',
  activity_id: 'text',
  is_final: 'bool',
} as const;

/** In the order of REPORT_TYPES. */
export function reportValues(messageSid: string, report: StatusReport): unknown[] {
  const { status, errorCode = null, errorMessage = null, restcommMessageSid = null, teams, isFinal = false } = report;
  const ids = [restcommMessageSid, teams?.conversationId ?? null, teams?.activityId ?? null];
  return [messageSid, status, entersBelow(status), statusRank(status), errorCode, errorMessage, ...ids, isFinal];
}

/**
 * The parts of a WITH statement that apply reports. They lock the messages in order of their sids, and then the heads of their organizations' logs, so
 * that two such statements never deadlock.
 * - The platform's ids are stored. A message's first Restcomm sid stays. A further one means that the platform took the message twice, and marks it
 *   as possibly duplicated, unless the sid is another message's. Reports of an attempt before retryMessage (former_restcomm_sids) are ignored.
 * - A status that advances ends what the message waited for.
 * - A report that does not advance the status can improve the reason of a failure that had none or said less, or say that the text was changed.
 *   Restcomm may report a failure without a code first: its SIP path knows none, its SMPP path does (SmsSession and TelestaxDlrParser of
 *   RestComm/Restcomm-Connect).
 * Whether a sid is another message's is asked as the first row from there on in the order of its index: asked by equality, a plan that was made while
 * there were few messages reads all of the organization's.
 * @param given the name of a part with the columns of REPORT_TYPES and `request_place`
 * @param before a condition that reads the parts that have to come first
 */
export const reporting = (given: string, before = 'true'): string => `
  reported AS MATERIALIZED (
    SELECT r.*, m.organization_sid, m.channel_status AS kept, m.status_rank AS kept_rank, m.restcomm_message_sid AS kept_sid, m.former_restcomm_sids,
      m.channel_error_code AS kept_code, m.channel_error_message AS kept_message
    FROM ${given} r JOIN message m ON m.sid = r.message_sid COLLATE "C" WHERE ${before} ORDER BY m.sid FOR UPDATE OF m
  ), judged AS MATERIALIZED (
    SELECT *, kept_rank < enters_below AND coalesce(restcomm_sid <> ALL (former_restcomm_sids), true) AS advances,
      restcomm_sid IS NOT NULL AND restcomm_sid IS DISTINCT FROM kept_sid AND restcomm_sid <> ALL (former_restcomm_sids) AND coalesce((
        SELECT (o.organization_sid, o.restcomm_message_sid) <> (reported.organization_sid, restcomm_sid COLLATE "C") FROM message o
        WHERE o.restcomm_message_sid IS NOT NULL
          AND (o.organization_sid, o.restcomm_message_sid) >= (reported.organization_sid, restcomm_sid COLLATE "C")
        ORDER BY o.organization_sid, o.restcomm_message_sid LIMIT 1), true) AS takes_sid,
      error_code IS NOT NULL AND coalesce(CASE
        WHEN error_code = '${TEXT_CHANGED}' THEN kept_code IS NULL
        WHEN kept NOT IN ('UNDELIVERED', 'FAILED') THEN false
        WHEN kept_code = error_code THEN starts_with(error_message, kept_message) AND kept_message <> error_message
        ELSE kept_code = '${NO_REPORT}' OR (kept_code = '${UNKNOWN_ERROR}' AND error_code <> '${NO_REPORT}') END, false) AS says_more
    FROM reported
  ), changed AS (
    UPDATE message m SET
      channel_status = CASE WHEN advances THEN j.status::channel_status ELSE channel_status END,
      status_rank = CASE WHEN advances THEN j.status_rank ELSE m.status_rank END,
      date_updated = CASE WHEN advances OR says_more THEN now() ELSE date_updated END,
      channel_error_code = CASE WHEN advances AND NOT (error_code IS NULL AND channel_error_code = '${TEXT_CHANGED}') OR says_more
        THEN error_code ELSE channel_error_code END,
      channel_error_message = CASE WHEN advances AND NOT (error_code IS NULL AND channel_error_code = '${TEXT_CHANGED}') OR says_more
        THEN error_message ELSE channel_error_message END,
      stuck = stuck AND NOT advances,
      hold_reason = CASE WHEN advances THEN NULL ELSE hold_reason END,
      held_since = CASE WHEN advances THEN NULL ELSE held_since END,
      failed_for_good = CASE WHEN advances THEN is_final AND j.status = 'FAILED'
        WHEN says_more THEN channel_status = 'FAILED' AND (failed_for_good OR is_final) ELSE failed_for_good END,
      restcomm_message_sid = CASE WHEN takes_sid THEN coalesce(restcomm_message_sid, restcomm_sid) ELSE restcomm_message_sid END,
      possibly_duplicated = possibly_duplicated OR (takes_sid AND restcomm_message_sid IS NOT NULL),
      teams_conversation_id = coalesce(conversation_id, teams_conversation_id),
      teams_activity_id = coalesce(activity_id, teams_activity_id)
    FROM judged j WHERE m.sid = j.message_sid COLLATE "C" AND (advances OR takes_sid OR says_more OR activity_id IS NOT NULL)
    RETURNING m.sid
  ), advanced AS MATERIALIZED (
    SELECT * FROM judged WHERE advances AND (SELECT count(*) FROM changed) > 0
  ), head AS (
    INSERT INTO event_head AS h (organization_sid, seq) SELECT organization_sid, count(*) FROM advanced GROUP BY organization_sid ORDER BY organization_sid
    ON CONFLICT (organization_sid) DO UPDATE SET seq = h.seq + excluded.seq
    RETURNING organization_sid, seq
  ), event AS (
    INSERT INTO message_event (organization_sid, seq, message_sid, status, previous_status, error_code, error_message)
    SELECT a.organization_sid, head.seq - count(*) OVER own + row_number() OVER (own ORDER BY request_place), message_sid, status::channel_status, kept,
      error_code, error_message
    FROM advanced a JOIN head ON head.organization_sid = a.organization_sid WINDOW own AS (PARTITION BY a.organization_sid)
  )`;

/** How long a report waits for others, in ms. A platform that waits for the response sends other reports meanwhile. */
const REPORTING_WAIT_MS = 3;

const REPORT = `
  WITH given AS (
    SELECT * FROM unnest(${Object.values(REPORT_TYPES)
      .map((type, index) => `$${index + 1}::${type}[]`)
      .join(', ')})
      WITH ORDINALITY AS given (${Object.keys(REPORT_TYPES).join(', ')}, request_place)
  ), ${reporting('given')}
  SELECT request_place::int, kept, advances FROM judged`;
