import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';
import { Agent, request } from 'undici';
import { DATABASE_URL, port } from './statements.mjs';

// The requests to the platforms and the statements that moving a message cannot do without, gathered, behind node:http. It checks nothing, and keeps no
// order: no signatures, lanes, leases, limits or attempts.

const platforms = process.env.PLATFORMS_URL;
const dispatcher = new Agent();
/** With the gateway's settings for such statements (src/database/postgres/postgres.ts). */
const planned = [
  'join_collapse_limit=1',
  'from_collapse_limit=1',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'jit=off',
];
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4, options: planned.map((setting) => `-c ${setting}`).join(' ') });
const newSid = () => `MS${randomBytes(16).toString('hex')}`;

/** Runs one statement for all that came in one turn, two at once. */
function gathered(name, text, width) {
  const waiting = [];
  let running = 0;
  let isScheduled = false;
  const flush = async () => {
    isScheduled = false;
    if (running === 2 || waiting.length === 0) return;
    const batch = waiting.splice(0, 200);
    running += 1;
    try {
      const values = Array.from({ length: width }, (_, column) => batch.map(({ values: given }) => given[column]));
      const { rows } = await pool.query({ name, text, values });
      const byPlace = new Map(rows.map((row) => [row.place, row]));
      for (const [index, { resolve }] of batch.entries()) resolve(byPlace.get(index + 1));
    } finally {
      running -= 1;
      schedule();
    }
  };
  const schedule = () => {
    if (isScheduled || waiting.length === 0) return;
    isScheduled = true;
    setImmediate(flush);
  };
  return (...values) =>
    new Promise((resolve) => {
      waiting.push({ values, resolve });
      schedule();
    });
}

const EVENTS = (rows, status) => `
  head AS (
    INSERT INTO event_head AS h (organization_sid, seq) SELECT organization_sid, count(*) FROM ${rows} GROUP BY 1
    ON CONFLICT (organization_sid) DO UPDATE SET seq = h.seq + excluded.seq RETURNING organization_sid, seq
  ), event AS (
    INSERT INTO message_event (organization_sid, seq, message_sid, status)
    SELECT organization_sid, head.seq - count(*) OVER w + row_number() OVER w, sid, ${status} FROM ${rows} JOIN head USING (organization_sid)
    WINDOW w AS (PARTITION BY organization_sid)
  )`;

const ACCEPT = `
  INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded, body,
    segments, encoding, channel_status, status_rank, restcomm_message_sid, teams_conversation_id, teams_activity_id)`;
const acceptSms = gathered(
  'acceptSms',
  `WITH given AS (
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS g (sid, mapping, sender, body, platform, place)
   ), found AS (
     SELECT given.*, m.organization_sid, m.enterprise_sid, m.account_sid, m.microsoft_address, c.conversation_id FROM given
       JOIN mapping m ON m.sid = given.mapping COLLATE "C"
       JOIN teams_conversation c ON c.enterprise_sid = m.enterprise_sid AND c.object_id = m.microsoft_object_id COLLATE "C"
   ), stored AS (
     ${ACCEPT}
     SELECT sid, organization_sid, enterprise_sid, mapping, account_sid, 'OUTBOUND', 'SMS', sender, ltrim(sender, '+'), microsoft_address,
       microsoft_address, body, 1, 'GSM_7', 'QUEUED', 0, platform, NULL, NULL FROM found RETURNING sid, organization_sid
   ), ${EVENTS('stored', "'QUEUED'")}
   SELECT place::int, conversation_id FROM found`,
  5,
);
const acceptText = gathered(
  'acceptText',
  `WITH given AS (
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
       WITH ORDINALITY AS g (sid, object, recipient, body, conversation, activity, place)
   ), found AS (
     SELECT given.*, m.sid AS mapping, m.organization_sid, m.enterprise_sid, m.account_sid, m.microsoft_address, m.external_address FROM given
       JOIN mapping m ON m.microsoft_object_id = given.object
   ), stored AS (
     ${ACCEPT}
     SELECT sid, organization_sid, enterprise_sid, mapping, account_sid, 'INBOUND', 'SMS', microsoft_address, microsoft_address, recipient,
       ltrim(recipient, '+'), body, 1, 'GSM_7', 'QUEUED', 0, NULL, conversation, activity FROM found RETURNING sid, organization_sid
   ), ${EVENTS('stored', "'QUEUED'")}
   SELECT place::int, external_address FROM found`,
  6,
);
const advance = gathered(
  'advance',
  `WITH given AS (
     SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[]) WITH ORDINALITY AS g (sid, status, rank, platform, place)
   ), latest AS (SELECT DISTINCT ON (sid) * FROM given ORDER BY sid, rank DESC), locked AS MATERIALIZED (
     SELECT latest.* FROM latest JOIN message m ON m.sid = latest.sid COLLATE "C" WHERE m.status_rank < latest.rank ORDER BY m.sid FOR UPDATE OF m
   ), stored AS (
     UPDATE message m SET channel_status = locked.status::channel_status, status_rank = locked.rank, date_updated = now(),
       restcomm_message_sid = coalesce(restcomm_message_sid, locked.platform)
     FROM locked WHERE m.sid = locked.sid COLLATE "C" RETURNING m.sid, m.organization_sid, m.channel_status AS status
   ), ${EVENTS('stored', 'status')}
   SELECT 1 AS place`,
  4,
);

async function post(url, headers, body) {
  const response = await request(url, { method: 'POST', dispatcher, headers, body });
  return JSON.parse(await response.body.text());
}

async function toTeams(mapping, form) {
  const sid = newSid();
  const { conversation_id: conversation } = await acceptSms(sid, mapping, form.get('From'), form.get('Body'), form.get('SmsSid'));
  const text = form.get('Body');
  return async () => {
    const body = JSON.stringify({ type: 'message', textFormat: 'plain', text, summary: text });
    const headers = { authorization: 'Bearer token', 'content-type': 'application/json' };
    await post(`${platforms}/teams/v3/conversations/${encodeURIComponent(conversation)}/activities`, headers, body);
    await advance(sid, 'DELIVERED', 3, null);
  };
}

async function toCarrier({ id, text, from, conversation }) {
  const sid = newSid();
  const [to, ...words] = text.split(' ');
  const { external_address: own } = await acceptText(sid, from.aadObjectId, to, words.join(' '), conversation.id, id);
  return async () => {
    const callback = `http://127.0.0.1:${port}/webhooks/restcomm/status?message=${sid}`;
    const form = new URLSearchParams({ From: own, To: to, Body: words.join(' '), StatusCallback: callback }).toString();
    const headers = { authorization: 'Basic carrier', 'content-type': 'application/x-www-form-urlencoded' };
    const sent = await post(`${platforms}/restcomm/2012-04-24/Accounts/AC/SMS/Messages.json`, headers, form);
    await advance(sid, 'SENDING', 1, sent.sid);
  };
}

const RANKS = { sent: ['SENT', 2], delivered: ['DELIVERED', 3] };

async function take(url, body) {
  if (url === '/api/messages') return toCarrier(JSON.parse(body));
  const { pathname, searchParams } = new URL(url, 'http://gateway');
  const form = new URLSearchParams(body);
  if (pathname.endsWith('/sms')) return toTeams(`BE${pathname.split('/')[3].slice(0, 32)}`, form);
  const [status, rank] = RANKS[form.get('MessageStatus')];
  await advance(searchParams.get('message'), status, rank, form.get('MessageSid'));
  return async () => {};
}

createServer((incoming, response) => {
  let body = '';
  incoming.setEncoding('utf8');
  incoming.on('data', (chunk) => {
    body += chunk;
  });
  incoming.on('end', async () => {
    const deliver = await take(incoming.url, body);
    response.writeHead(200, { 'content-length': 0 });
    response.end();
    await deliver();
  });
}).listen(port, '127.0.0.1');
