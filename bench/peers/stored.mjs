import { randomBytes } from 'node:crypto';
import { organization, pool } from './statements.mjs';

// What sendMessage stores, by pg in one prepared statement.

const STORE = `
  WITH sender AS (
    SELECT m.* FROM mapping m JOIN enterprise e ON e.sid = m.enterprise_sid
    WHERE m.sid = $2 AND m.organization_sid = $3 AND e.status = 'ACTIVE'
  ), stored AS (
    INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded,
      body, segments, encoding, channel_status, status_rank)
    SELECT $1, organization_sid, enterprise_sid, sid, account_sid, 'INBOUND', 'SMS', microsoft_address, microsoft_address_folded, $4::text, ltrim($4::text, '+'),
      $5, 1, 'GSM_7', 'QUEUED', 0 FROM sender
    RETURNING *
  ), queued AS (
    INSERT INTO outbox (message_sid, lane) SELECT stored.sid, $6::text FROM stored
  ), lane AS (
    INSERT INTO outbox_lane AS l (lane, organization_sid) SELECT $6::text, organization_sid FROM stored ON CONFLICT (lane) DO UPDATE SET lane = l.lane
  ), head AS (
    INSERT INTO event_head AS h (organization_sid, seq) SELECT organization_sid, 1 FROM stored
    ON CONFLICT (organization_sid) DO UPDATE SET seq = h.seq + 1 RETURNING seq
  ), event AS (
    INSERT INTO message_event (organization_sid, seq, message_sid, status) SELECT organization_sid, seq, sid, 'QUEUED' FROM stored, head
  )
  SELECT sid, channel_status AS "channelStatus", "from", "to", body`;

export async function send(input) {
  const { rows } = await pool.query({ name: 'send', text: `${STORE} FROM stored`, values: valuesOf(input) });
  return rows[0];
}

/** Also tells every LISTEN on `channel` about it, once it is committed. */
export async function sendAndNotify(input, channel) {
  const text = `${STORE}, pg_notify('${channel}', row_to_json(stored)::text) FROM stored`;
  const { rows } = await pool.query({ name: 'notify', text, values: valuesOf(input) });
  return rows[0];
}

const valuesOf = ({ mappingSid, to, body, lane }) => [`MS${randomBytes(16).toString('hex')}`, mappingSid, organization, to, body, lane];
