import type { Sql } from '../../database/sql.ts';
import type { Claim } from './outbox.ts';

/** Who writes to a Teams user: the user's last partner from now on. */
export interface WritingPartner {
  readonly enterpriseSid: string;
  /** The user's Microsoft Entra object id. */
  readonly objectId: string;
  readonly mappingSid: string;
  /** As of `partnerNumber`. */
  readonly number: string;
}

/** What is recorded before a request leaves. */
interface Beginning {
  readonly messageSid: string;
  /** Whether an earlier attempt may have succeeded: the message is marked as possibly duplicated. */
  readonly isRepeated: boolean;
  /** Absent towards a phone. */
  readonly partner?: WritingPartner;
}

/**
 * Records that a request is about to leave. Keeps the start of an earlier attempt whose outcome is unknown. Attempts for one organization that begin
 * together are recorded by one statement.
 *
 * No lock is needed: nobody can claim the lane before the request leaves.
 * @returns false if the claim has been lost, or is about to be
 */
export async function beginAttempt(sql: Sql, claim: Claim, { messageSid, isRepeated, partner }: Beginning): Promise<boolean> {
  const { lane, holder, organizationSid } = claim;
  const { enterpriseSid = null, objectId = null, mappingSid = null, number = null } = partner ?? {};
  const values = [messageSid, lane, holder, isRepeated, enterpriseSid, objectId, mappingSid, number];
  const rows = await sql.writeTogether({ text: BEGIN, values, group: organizationSid, key: lane });
  return rows.length > 0;
}

/** A lease that ends sooner, in s, may end before the request leaves. */
const SAFE_LEASE_S = 5;

/**
 * Writes a user's last partner only if it changes, or if another enterprise that shares the chat has had a later one. If the new partner differs from
 * the last one, in either enterprise, partner_changed is set: the user is asked whom the next text without a number is for. Locks conversations in the
 * order in which receiving texts does, against deadlocks.
 */
const BEGIN = `
  WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::text[], $8::text[])
      WITH ORDINALITY AS given (message_sid, lane, holder, is_repeated, enterprise_sid, object_id, mapping_sid, number, request_place)
  ), begun AS (
    UPDATE outbox o SET attempts = o.attempts + 1, attempt_started = coalesce(o.attempt_started, now())
    FROM given JOIN outbox_lane l ON l.lane = given.lane COLLATE "C" AND l.holder = given.holder AND l.due > now() + interval '${SAFE_LEASE_S} s'
    WHERE o.message_sid = given.message_sid COLLATE "C" AND o.lane = l.lane
    RETURNING given.*
  ), marked AS (
    UPDATE message m SET possibly_duplicated = true FROM begun WHERE is_repeated AND m.sid = begun.message_sid COLLATE "C" AND NOT possibly_duplicated
  ), partner AS (
    INSERT INTO teams_conversation AS c (organization_sid, enterprise_sid, object_id, last_mapping_sid, last_number, partner_date)
    SELECT e.organization_sid, p.enterprise_sid, p.object_id, p.mapping_sid, p.number, clock_timestamp() FROM (
      SELECT DISTINCT ON (enterprise_sid, object_id) * FROM begun WHERE object_id IS NOT NULL ORDER BY enterprise_sid, object_id, request_place DESC
    ) p JOIN enterprise e ON e.sid = p.enterprise_sid COLLATE "C" ORDER BY p.enterprise_sid COLLATE "C", p.object_id COLLATE "C"
    ON CONFLICT (enterprise_sid, object_id) DO UPDATE SET last_mapping_sid = excluded.last_mapping_sid, last_number = excluded.last_number,
      partner_changed = c.partner_changed OR coalesce(ltrim(c.last_number, '+') <> ltrim(excluded.last_number, '+'), false) OR EXISTS (
        SELECT 1 FROM teams_conversation o WHERE o.conversation_id = c.conversation_id AND o.enterprise_sid <> c.enterprise_sid
          AND o.partner_date > coalesce(c.partner_date, '-infinity')),
      partner_date = excluded.partner_date, date_updated = now()
    WHERE (c.last_mapping_sid, c.last_number) IS DISTINCT FROM (excluded.last_mapping_sid, excluded.last_number) OR c.partner_date IS NULL
      OR c.conversation_id IS NULL OR EXISTS (
        SELECT 1 FROM teams_conversation o WHERE o.conversation_id = c.conversation_id AND o.enterprise_sid <> c.enterprise_sid
          AND o.partner_date > c.partner_date)
  )
  SELECT request_place::int FROM begun`;
