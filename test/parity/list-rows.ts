import type { Client } from 'pg';
import type { Provider } from '../support/gateway.ts';

// The rows that the plans of lists are made for: two organizations with enough messages and events that reading all of them would be seen.

export const MESSAGES = 60_000;
const OTHERS = 20_000;
/** The last ones, which are rare in most ways. */
export const RARE = MESSAGES / 1000;
const FIRST = Date.UTC(2026, 0, 1);
const at = (n: number) => new Date(FIRST + n * 60_000).toISOString();

/** The sid of an object of the first organization: 32 digits after its prefix. */
export const sidOf = (prefix: string, n: number | string) => `${prefix}${String(n).padStart(32, '0')}`;
export const ENTERPRISES = [1, 2, 3, 4].map((n) => sidOf('EN', n));
export const MAPPINGS = Array.from({ length: 40 }, (_, n) => sidOf('BE', n + 1));

export type Filter = Readonly<Record<string, unknown>>;

/** Each filter of the graph: by what many messages have, few, and none. */
export const FILTERS: Readonly<Record<string, Filter>> = {
  nothing: {},
  'an enterprise': { enterpriseSid: ENTERPRISES[0] },
  'a small enterprise': { enterpriseSid: ENTERPRISES[3] },
  'no enterprise': { enterpriseSid: sidOf('EN', 99) },
  'a mapping': { mappingSid: MAPPINGS[0] },
  'a small mapping': { mappingSid: MAPPINGS[39] },
  'no mapping': { mappingSid: sidOf('BE', 99) },
  SMS: { type: 'SMS' },
  MMS: { type: 'MMS' },
  INBOUND: { direction: 'INBOUND' },
  OUTBOUND: { direction: 'OUTBOUND' },
  'a country': { from: '+44' },
  'digits of a number or a name': { from: '44' },
  'one number': { from: '+49300007' },
  'no number': { from: '+999' },
  'users by a letter': { to: 'p' },
  'one user': { to: 'person7@' },
  'a text of many': { body: 'appointment' },
  'a text of none': { body: 'no such text' },
  DELIVERED: { statuses: ['DELIVERED'] },
  FAILED: { statuses: ['FAILED'] },
  SENT: { statuses: ['SENT'] },
  'SENDING or SENT': { statuses: ['SENDING', 'SENT'] },
  'FAILED or UNDELIVERED': { statuses: ['FAILED', 'UNDELIVERED'] },
  'FAILED or SENT': { statuses: ['FAILED', 'SENT'] },
  READ: { statuses: ['READ'] },
  'an error code of many': { channelErrorCode: '30003' },
  'an error code of one': { channelErrorCode: '30034' },
  'an error code of none': { channelErrorCode: '99999' },
  'two digits of an error code': { channelErrorCode: '00' },
  'an error message of many': { channelErrorMessage: 'unreachable' },
  'an error message of one': { channelErrorMessage: 'unregistered' },
  'two letters of an error message': { channelErrorMessage: 'op' },
  'a sid of Restcomm': { restcommMessageSid: 'SM77' },
  'no sid of Restcomm': { restcommMessageSid: 'SM' },
  stuck: { stuck: true },
  'not stuck': { stuck: false },
  'a window of time': { createdFrom: at(20_000), createdTo: at(30_000) },
  'a short window of time': { createdFrom: at(20_000), createdTo: at(20_010) },
  'a time of none': { createdFrom: at(2 * MESSAGES) },
  'a time of changes': { updatedFrom: at(20_000), updatedTo: at(30_000) },
  'a time of late changes': { updatedFrom: at(MESSAGES - RARE) },
};

/** One or two of each field, to be combined. */
export const PAIRED: Readonly<Record<string, Filter>> = Object.fromEntries(
  [
    'an enterprise',
    'a small enterprise',
    'a mapping',
    'MMS',
    'OUTBOUND',
    'INBOUND',
    'digits of a number or a name',
    'one number',
    'one user',
    'a text of none',
    'DELIVERED',
    'FAILED or UNDELIVERED',
    'SENT',
    'an error code of many',
    'an error code of one',
    'an error message of many',
    'two letters of an error message',
    'a sid of Restcomm',
    'stuck',
    'not stuck',
    'a window of time',
    'a time of changes',
  ].map((name) => [name, FILTERS[name] as Filter]),
);

/** Fills both organizations, and has PostgreSQL look at every row, so that its estimates are the same each time. */
export async function seedLists(client: Client, own: Provider, other: Provider): Promise<void> {
  const run = (text: string, values: unknown[] = []) => client.query(text, values);
  await run('SET synchronous_commit = off');
  for (const [provider, count, prefix] of [
    [own, MESSAGES, ''],
    [other, OTHERS, 'a'],
  ] as const) {
    const owner = [provider.organizationSid, provider.accountSid, prefix];
    await run(
      `INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded)
       SELECT 'EN' || lpad($3 || n, 32, '0'), $1, $2, 'e' || n, 'e' || n FROM generate_series(1, 4) n`,
      owner,
    );
    await run(
      `INSERT INTO mapping (sid, organization_sid, enterprise_sid, account_sid, name, name_folded, microsoft_address, microsoft_address_folded,
         microsoft_domain, external_address, external_digits)
       SELECT 'BE' || lpad($3 || n, 32, '0'), $1, 'EN' || lpad($3 || CASE WHEN n <= 20 THEN 1 WHEN n <= 30 THEN 2 WHEN n < 40 THEN 3 ELSE 4 END, 32, '0'), $2,
         'm', 'm', 'a', 'a', 'a', length($3) || '000' || n, length($3) || '000' || n FROM generate_series(1, 40) n`,
      owner,
    );
    await run(
      `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded, body,
         channel_status, status_rank, channel_error_code, channel_error_message, stuck, restcomm_message_sid, date_created, date_updated)
       SELECT 'MS' || md5($3 || n), $1, m.enterprise_sid, m.sid, $2, (CASE WHEN inbound THEN 'INBOUND' ELSE 'OUTBOUND' END)::message_direction,
         (CASE WHEN rare THEN 'MMS' ELSE 'SMS' END)::message_type,
         'f', CASE WHEN inbound THEN person ELSE phone END, 't', CASE WHEN inbound THEN phone ELSE person END,
         'Your appointment number ' || n || ' is confirmed for Thursday at half past ten', status, 0,
         CASE WHEN failed THEN CASE WHEN n = 20000 THEN '30034' WHEN n % 9 = 0 THEN '30005' ELSE '30003' END END,
         CASE WHEN failed THEN CASE WHEN n = 20000 THEN 'Unregistered number' WHEN n % 9 = 0 THEN 'Unknown handset, stopped' ELSE 'Unreachable handset' END END,
         rare AND n % 7 = 0, $3 || 'SM' || n, $4::timestamptz + n * interval '1 minute', $4::timestamptz + n * interval '1 minute'
       FROM (SELECT n, n > $5 - ${RARE} AS rare, n % 3 > 0 AS inbound, n % 5 = 0 AS failed, 'person' || n % 1000 || '@example.com' AS person,
           CASE WHEN n % 5 = 0 THEN '4930' ELSE '4420' END || lpad((n % 2000)::text, 6, '0') AS phone,
           (CASE WHEN n % 10 = 0 THEN 'FAILED' WHEN n % 5 = 0 THEN 'UNDELIVERED' WHEN n > $5 - ${RARE} AND n % 2 = 0 THEN 'SENT'
             WHEN n > $5 - ${RARE} AND n % 7 = 0 THEN 'QUEUED' ELSE 'DELIVERED' END)::channel_status AS status
         FROM generate_series(1, $5::int) n) s
       JOIN mapping m ON m.sid = 'BE' || lpad($3 || CASE WHEN rare THEN 40 ELSE 1 + n % 39 END, 32, '0') ORDER BY n`,
      [...owner, new Date(FIRST).toISOString(), count],
    );
    await run(
      `INSERT INTO message_event (organization_sid, seq, message_sid, status)
       SELECT $1, (n - 1) * 2 + step, 'MS' || md5($2 || n), CASE step WHEN 1 THEN 'QUEUED' ELSE 'DELIVERED' END::channel_status
       FROM generate_series(1, $3::int) n, generate_series(1, 2) step ORDER BY n, step`,
      [provider.organizationSid, prefix, count],
    );
    await run('INSERT INTO event_head (organization_sid, seq) VALUES ($1, $2)', [provider.organizationSid, count * 2]);
  }
  for (const table of ['message', 'message_event', 'awaited_report']) await run(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
  // 300 rows a unit are looked at: all.
  await run(`SET default_statistics_target = ${Math.ceil((2 * (MESSAGES + OTHERS)) / 300)}`);
  await run('VACUUM ANALYZE');
}
