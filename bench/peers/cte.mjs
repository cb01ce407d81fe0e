import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { organization, pool, port } from './statements.mjs';

// What sendMessage stores, by pg in one prepared statement: behind node:http, and, GET /loop?ms=…, with nothing before it at all.

const SEND = `
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
  SELECT sid, channel_status AS "channelStatus", "from", "to", body FROM stored`;

async function send({ mappingSid, to, body, lane }) {
  const sid = `MS${randomBytes(16).toString('hex')}`;
  const { rows } = await pool.query({ name: 'send', text: SEND, values: [sid, mappingSid, organization, to, body, lane] });
  return rows[0];
}

/** As many at once as the load over HTTP has connections. */
async function loop({ inputs, connections, ms }) {
  const began = performance.now();
  let stored = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() - began < ms) {
        stored += 1;
        await send(inputs[stored % inputs.length]);
      }
    }),
  );
  return { stored, ms: performance.now() - began };
}

createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => {
    text += chunk;
  });
  request.on('end', async () => {
    const asked = JSON.parse(text);
    const answer =
      request.url === '/loop'
        ? await loop(asked)
        : { data: { sendMessage: { __typename: 'Message', ...(await send(asked.variables.input)) } } };
    const body = Buffer.from(JSON.stringify(answer));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
}).listen(port, '127.0.0.1');
