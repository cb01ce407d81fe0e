import pg from 'pg';
import { addAccount, addEnterprises, ORGANIZATION, type Run, withoutIndexes } from './data.ts';
import { ask, dropDatabase, inServer, makeDatabase } from './database.ts';
import { ACCOUNT_SID, migrated } from './gateway.ts';

// The data that growth is measured over: the same at each size, but for its size. One organization has most of the messages, 200 others a few each.

/** Renewed when the rows change. Newer migrations are the gateway's to apply. */
const VERSION = 1;
const SMALL_ORGANIZATIONS = 200;
export const DAYS = 400;
/** Between two commits: what triggers keep of a statement's rows fits into memory. */
const BATCH = 500_000;

export interface ScaleSizes {
  /** Of the large organization. */
  readonly messages: number;
  /** Of each small one. */
  readonly few: number;
}

/** Fills a database of this name, unless it has been filled by this version. @returns its URL */
export async function scaleData(server: string, name: string, sizes: ScaleSizes): Promise<string> {
  const url = inServer(server, name);
  const version = JSON.stringify({ VERSION, ...sizes });
  const [stamp] = await ask<{ version: string }>(url, 'SELECT version FROM bench_stamp').catch(() => []);
  if (stamp?.version === version) return url;
  const began = performance.now();
  await makeDatabase(server, name);
  try {
    await migrated(url);
    await fill(url, sizes);
    await ask(url, 'CREATE TABLE bench_stamp AS SELECT $1::text AS version', [version]);
  } catch (error) {
    await dropDatabase(server, name);
    throw error;
  }
  console.log(`${name}: ${sizes.messages} messages in ${((performance.now() - began) / 60_000).toFixed(1)} min`);
  return url;
}

const smallSid = (kind: 'OR' | 'AC', small: number) => `${kind}f${String(small).padStart(31, '0')}`;
const SMALL_ACCOUNT = smallSid('AC', 1);

export { SMALL_ACCOUNT };

async function fill(url: string, { messages, few }: ScaleSizes): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const run: Run = (text, values = []) => client.query(text, [...values]);
  const tell = (what: string) => console.log(`${new URL(url).pathname.slice(1)}: ${what}`);
  try {
    await run('SET synchronous_commit = off');
    await run(`INSERT INTO organization (sid, name) VALUES ($1, 'Large')`, [ORGANIZATION]);
    await run('UPDATE account SET organization_sid = $1 WHERE sid = $2', [ORGANIZATION, ACCOUNT_SID]);
    await addEnterprises(run, ORGANIZATION, ACCOUNT_SID, 200, 10, 1_000_000);
    for (let small = 1; small <= SMALL_ORGANIZATIONS; small += 1) {
      const [sid, account] = [smallSid('OR', small), smallSid('AC', small)];
      await run('INSERT INTO organization (sid, name) VALUES ($1, $2)', [sid, `Small ${small}`]);
      await addAccount(run, account, sid, `${account}@example.com`);
      await addEnterprises(run, sid, account, 3, 5, 5_000_000 + small * 100);
    }
    await run('ANALYZE mapping');
    // Only the end is rounded, so that the last messages are of now.
    const [{ rows: ends }] = [await run(`SELECT date_trunc('minute', now()) AS at`)];
    await withoutIndexes(run, ['message', 'message_event', 'awaited_report'], async () => {
      for (let first = 1; first <= messages; first += BATCH) {
        await addMessages(run, [ORGANIZATION], 2000, [first, Math.min(messages, first + BATCH - 1)], messages, ends[0].at);
      }
      tell('messages of the large organization');
      const small = Array.from({ length: SMALL_ORGANIZATIONS }, (_, index) => smallSid('OR', index + 1));
      await addMessages(run, small, 15, [1, few], few, ends[0].at);
      await addEvents(run, Math.floor(messages * 0.35), messages, ends[0].at);
      tell('rows written');
    });
    tell('indexes made');
    // No list reads usage, and adding that up would take longer than filling.
    await run('TRUNCATE usage_change');
    await run('VACUUM (ANALYZE)');
  } finally {
    await client.end();
  }
}

/** Of the message n of $3: when it was created, how it went. What is rare has other places in the list than what is rare in another way. */
const STEPS = `SELECT n, $4::timestamptz - ($3::int - n) * (interval '${DAYS} days' / $3::int) AS at,
    roll % 2 = 0 AS inbound, roll % 2 = 0 AND (roll >> 3) % 50 = 0 AS mms, roll % 10000 = 9998 AS unassigned,
    n % greatest(1000, $3::int / 20) = 77 AS held, (n::bigint * 7919) % greatest(1000, $3::int / 10) AS place_of_phone,
    (CASE WHEN n > $3::int - $3::int / 50000 OR n % greatest(1000, $3::int / 20) = 77 THEN 'QUEUED' WHEN n > $3::int - $3::int / 25000 THEN 'SENDING'
      WHEN n > $3::int - $3::int / 12500 THEN 'SENT'
      WHEN dice < 300 THEN 'FAILED' WHEN dice < 400 THEN 'UNDELIVERED' WHEN dice < 450 THEN 'READ' WHEN dice < 480 THEN 'RECEIVED'
      ELSE 'DELIVERED' END)::channel_status AS status,
    CASE WHEN n = $3::int / 3 THEN '30034' WHEN dice = 399 THEN '21610' WHEN dice % 9 = 0 THEN '30005' ELSE '30003' END AS code,
    CASE WHEN n = $3::int / 3 THEN 'Unregistered number' WHEN dice = 399 THEN 'Recipient has opted out'
      WHEN dice % 9 = 0 THEN 'Unknown destination handset' ELSE 'Unreachable destination handset' END AS reason
  FROM generate_series($1::int, $2::int) n, LATERAL (SELECT (n::bigint * 2654435761 % 4294967296) >> 8 AS roll) r, LATERAL (SELECT (roll >> 1) % 10000 AS dice) d`;
const FAILED = `status IN ('FAILED', 'UNDELIVERED')`;

async function addMessages(
  run: Run,
  organizations: readonly string[],
  mappings: number,
  [first, last]: readonly [number, number],
  of: number,
  end: Date,
): Promise<void> {
  await run(
    `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded,
       body, media_urls, segments, encoding, channel_status, listed_status, status_rank, channel_error_code, channel_error_message, stuck, hold_reason,
       held_since, restcomm_message_sid, teams_conversation_id, teams_activity_id, date_created, date_updated)
     SELECT 'MS' || md5(m.organization_sid || 'message' || n), m.organization_sid, m.enterprise_sid, CASE WHEN NOT unassigned THEN m.sid END, m.account_sid,
       (CASE WHEN inbound THEN 'INBOUND' ELSE 'OUTBOUND' END)::message_direction, (CASE WHEN mms THEN 'MMS' ELSE 'SMS' END)::message_type,
       CASE WHEN inbound THEN m.microsoft_address ELSE '+' || digits END, CASE WHEN inbound THEN m.microsoft_address ELSE digits END,
       CASE WHEN inbound THEN '+' || digits ELSE m.microsoft_address END, CASE WHEN inbound THEN digits ELSE m.microsoft_address END,
       'Your appointment number ' || n || ' is confirmed for Thursday at half past ten' || left('; answer NO if you cannot come, or call us.', (n % 3) * 22),
       CASE WHEN mms THEN ARRAY['https://media.example.com/' || n] ELSE '{}' END, 1, 'GSM_7',
       status, CASE WHEN status NOT IN ('SENDING', 'SENT', 'DELIVERED') THEN status END,
       CASE status WHEN 'QUEUED' THEN 0 WHEN 'SENDING' THEN 1 WHEN 'SENT' THEN 2 WHEN 'DELIVERED' THEN 3 ELSE 4 END,
       CASE WHEN ${FAILED} THEN code END, CASE WHEN ${FAILED} THEN reason END, held, CASE WHEN held THEN 'BOT_MISSING'::message_hold_reason END,
       CASE WHEN held THEN at END, CASE WHEN status <> 'QUEUED' THEN 'SM' || md5(m.organization_sid || 'platform' || n) END,
       '19:' || m.sid || '@thread.v2', CASE WHEN inbound OR status = 'DELIVERED' THEN ((extract(epoch FROM at) * 1000)::bigint)::text END,
       at, CASE WHEN status = 'QUEUED' THEN at ELSE at + interval '3 seconds' END
     FROM (${STEPS}) series
     CROSS JOIN LATERAL (SELECT CASE WHEN place_of_phone % 10 = 0 THEN '49151' ELSE '4477' END || lpad(place_of_phone::text, 8, '0') AS digits) phone
     CROSS JOIN unnest($5::text[]) organization
     JOIN (SELECT *, row_number() OVER (PARTITION BY organization_sid ORDER BY date_created, sid) - 1 AS place
       FROM mapping WHERE organization_sid = ANY ($5)) m ON m.organization_sid = organization AND m.place = n % $6::int`,
    [first, last, of, end, organizations, mappings],
  );
}

/** The last messages' histories: queued and, shortly afterwards, as they are. */
async function addEvents(run: Run, count: number, of: number, end: Date): Promise<void> {
  await run(
    `INSERT INTO message_event (organization_sid, seq, message_sid, status, previous_status, error_code, error_message, occurred_at)
     SELECT $5, (n - $1::int) * 2 + step, 'MS' || md5($5 || 'message' || n), CASE step WHEN 1 THEN 'QUEUED' ELSE status END,
       CASE step WHEN 2 THEN 'QUEUED'::channel_status END, CASE WHEN step = 2 AND ${FAILED} THEN code END, CASE WHEN step = 2 AND ${FAILED} THEN reason END,
       at + (step - 1) * interval '3 seconds'
     FROM (${STEPS}) series, generate_series(1, 2) step`,
    [of - count + 1, of, of, end, ORGANIZATION],
  );
  await run('INSERT INTO event_head (organization_sid, seq) VALUES ($1, $2)', [ORGANIZATION, count * 2]);
}
