import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { readMigrations } from '../src/database/migrations.ts';
import { MIGRATIONS } from '../src/database/package-root.ts';
import { ask, dropDatabase, inServer, makeDatabase } from './database.ts';
import { ACCOUNT_SID, migrated, settled } from './gateway.ts';

// The data that everything is measured over, made by SQL: one organization with most of the messages, and smaller ones beside it.

/** The organization that is read: of the gateway's account. */
export const ORGANIZATION = 'OR00000000000000000000000000000001';
/** The organization that is written to, so that what is read stays as it is. */
export const WRITERS = 'OR00000000000000000000000000000002';
/** Its account; the token is the same. */
export const WRITER_SID = `AC${'0'.repeat(31)}2`;
/** Further ones that are written to while the events of WRITERS are read: by a peer, and by the gateway for readers of server-sent events. */
export const NOTIFIED = 'OR00000000000000000000000000000003';
const NOTIFIED_SID = `AC${'0'.repeat(31)}3`;
export const STREAMED = 'OR00000000000000000000000000000004';
export const STREAMED_SID = `AC${'0'.repeat(31)}4`;
const WRITTEN = [WRITERS, NOTIFIED, STREAMED];

export interface Sizes {
  readonly messages: number;
  /** Of the read organization, ten mappings each. */
  readonly enterprises: number;
  readonly smallOrganizations: number;
}

export interface Data extends Sizes {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** What one sends: every conversation's lane waits, so that nothing is delivered. */
export interface SendInput {
  readonly mappingSid: string;
  readonly to: string;
  readonly lane: string;
}

/**
 * The data in a database of this name, which is made where there is none of this version, and kept where `keep` says so.
 * The version is that of this file and of the migrations.
 */
export async function openData(server: string, name: string, sizes: Sizes, keep: boolean): Promise<Data> {
  const url = inServer(server, name);
  const close = () => (keep ? forgetSent(url) : dropDatabase(server, name));
  const version = await versionOf(sizes);
  const [stamp] = await ask<{ version: string }>(url, 'SELECT version FROM bench_stamp').catch(() => []);
  if (stamp?.version === version) {
    await forgetSent(url);
    return { url, close, ...sizes };
  }
  const began = performance.now();
  await makeDatabase(server, name);
  try {
    await migrated(url);
    await seed(url, sizes);
    await settled(url);
    await ask(url, 'VACUUM (ANALYZE)');
    await ask(url, 'CREATE TABLE bench_stamp AS SELECT $1::text AS version', [version]);
  } catch (error) {
    await dropDatabase(server, name);
    throw error;
  }
  console.log(`${sizes.messages} messages seeded in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return { url, close, ...sizes };
}

async function versionOf(sizes: Sizes): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(sizes));
  hash.update(await readFile(fileURLToPath(import.meta.url)));
  for (const { name, checksum } of await readMigrations(MIGRATIONS)) hash.update(name + checksum);
  return hash.digest('hex');
}

/** Every triple of a sender, a recipient and the lane that their conversation has. */
export function sendInputs(url: string, organization = WRITERS): Promise<SendInput[]> {
  return ask<SendInput>(
    url,
    `SELECT m.sid AS "mappingSid", phone AS to, 'sms:' || m.external_digits || ':' || ltrim(phone, '+') AS lane
     FROM mapping m, unnest($2::text[]) phone WHERE organization_sid = $1 ORDER BY phone, m.sid`,
    [organization, PHONES],
  );
}

const PHONES = Array.from({ length: 20 }, (_, index) => `+4477009001${String(index).padStart(2, '0')}`);
const FIRST_DAY = '2025-01-01T00:00:00Z';

async function seed(url: string, { messages, enterprises, smallOrganizations }: Sizes): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const run = (text: string, values: readonly unknown[] = []) => client.query(text, [...values]);
  try {
    // The bootstrap account is moved to an organization whose sid is known here.
    await run(`INSERT INTO organization (sid, name) VALUES ($1, 'Read'), ($2, 'Written'), ($3, 'Notified'), ($4, 'Streamed')`, [
      ORGANIZATION,
      ...WRITTEN,
    ]);
    await run('UPDATE account SET organization_sid = $1 WHERE sid = $2', [ORGANIZATION, ACCOUNT_SID]);
    await addAccount(run, WRITER_SID, WRITERS, 'writer@example.com');
    await addAccount(run, NOTIFIED_SID, NOTIFIED, 'notified@example.com');
    await addAccount(run, STREAMED_SID, STREAMED, 'streamed@example.com');
    await addEnterprises(run, ORGANIZATION, ACCOUNT_SID, enterprises, 10, 1_000_000);
    await addEnterprises(run, WRITERS, WRITER_SID, 5, 10, 9_000_000);
    await addEnterprises(run, NOTIFIED, NOTIFIED_SID, 5, 10, 9_500_000);
    await addEnterprises(run, STREAMED, STREAMED_SID, 5, 10, 9_600_000);
    for (let small = 1; small <= smallOrganizations; small += 1) {
      const sid = `ORf${String(small).padStart(31, '0')}`;
      const account = `ACf${String(small).padStart(31, '0')}`;
      await run('INSERT INTO organization (sid, name) VALUES ($1, $2)', [sid, `Small ${small}`]);
      await addAccount(run, account, sid, `${account}@example.com`);
      await addEnterprises(run, sid, account, 3, 5, 5_000_000 + small * 100);
    }
    await withoutIndexes(run, ['message', 'message_event'], async () => {
      await addMessages(run, ORGANIZATION, messages);
      for (let small = 1; small <= smallOrganizations; small += 1) await addMessages(run, `ORf${String(small).padStart(31, '0')}`, 1000);
      await addEvents(run, Math.min(messages, 100_000));
    });
    await run(
      `INSERT INTO outbox_lane (lane, organization_sid, due)
       SELECT 'sms:' || external_digits || ':' || ltrim(phone, '+'), organization_sid, 'infinity' FROM mapping, unnest($2::text[]) phone
       WHERE organization_sid = ANY ($1)`,
      [WRITTEN, PHONES],
    );
    await run('CREATE TABLE bench_total AS SELECT organization_sid, count(*)::int AS total FROM message GROUP BY organization_sid');
    await run('ALTER TABLE bench_total ADD PRIMARY KEY (organization_sid)');
    // Housekeeping of its own accord would disturb.
    for (const table of ['message', 'message_event', 'outbox', 'outbox_lane', 'event_head']) {
      await run(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
    }
    await run('VACUUM (ANALYZE)');
    await run('CHECKPOINT');
  } finally {
    await client.end();
  }
}

export type Run = (text: string, values?: readonly unknown[]) => Promise<pg.QueryResult>;

/** An account with the token and the permissions of the gateway's. */
export const addAccount = (run: Run, sid: string, organization: string, email: string) =>
  run(
    `INSERT INTO account (sid, organization_sid, email, friendly_name, permissions, token_digest, token_key_id)
     SELECT $1, $2, $3, 'Bench', permissions, token_digest, token_key_id FROM account WHERE sid = $4`,
    [sid, organization, email, ACCOUNT_SID],
  );

/** Enterprises with their admins and mappings, a minute apart. */
export async function addEnterprises(
  run: Run,
  organization: string,
  account: string,
  count: number,
  mappings: number,
  digits: number,
): Promise<void> {
  await run(
    `INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded, date_created, date_updated)
     SELECT 'EN' || md5($1 || 'enterprise' || n), $1, $2, 'Enterprise ' || n, 'enterprise ' || n, at, at
     FROM generate_series(1, $3::int) n, LATERAL (SELECT $4::timestamptz + n * interval '1 minute' AS at) t`,
    [organization, account, count, FIRST_DAY],
  );
  await run(
    `INSERT INTO enterprise_admin (sid, organization_sid, enterprise_sid, account_sid, email, email_folded, name)
     SELECT 'RCS' || md5(sid), organization_sid, sid, 'AC' || md5(sid), md5(sid) || '@example.com', md5(sid) || '@example.com', name
     FROM enterprise WHERE organization_sid = $1`,
    [organization],
  );
  await run(
    `INSERT INTO mapping (sid, organization_sid, enterprise_sid, account_sid, name, name_folded, microsoft_address, microsoft_address_folded,
       microsoft_domain, microsoft_object_id, external_address, external_digits, date_created, date_updated)
     SELECT 'BE' || md5(e.sid || 'mapping' || n), organization_sid, e.sid, account_sid, 'Person ' || n || ' of ' || e.name,
       'person ' || n || ' of ' || e.name_folded, address, address, 'example.com', md5(e.sid || n)::uuid::text, '+' || number, number,
       date_created + n * interval '1 hour', date_created + n * interval '1 hour'
     FROM (SELECT *, row_number() OVER (ORDER BY date_created) AS place FROM enterprise WHERE organization_sid = $1) e,
       generate_series(1, $2::int) n,
       LATERAL (SELECT 'person.' || n || '@' || md5(e.sid) || '.example.com' AS address, '1555' || ($3::bigint + e.place * $2 + n) AS number) t`,
    [organization, mappings, digits],
  );
}

/** Messages of all the organization's mappings in turn, 25 s apart, both ways, nearly all of them delivered. */
async function addMessages(run: Run, organization: string, count: number): Promise<void> {
  await run(
    `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, type, "from", from_folded, "to", to_folded,
       body, media_urls, segments, encoding, channel_status, status_rank, channel_error_code, channel_error_message, restcomm_message_sid,
       date_created, date_updated)
     SELECT 'MS' || md5($1 || 'message' || n), $1, m.enterprise_sid, m.sid, m.account_sid,
       (CASE WHEN inbound THEN 'INBOUND' ELSE 'OUTBOUND' END)::message_direction, (CASE WHEN mms THEN 'MMS' ELSE 'SMS' END)::message_type,
       CASE WHEN inbound THEN m.microsoft_address ELSE phone END, CASE WHEN inbound THEN m.microsoft_address ELSE ltrim(phone, '+') END,
       CASE WHEN inbound THEN phone ELSE m.microsoft_address END, CASE WHEN inbound THEN ltrim(phone, '+') ELSE m.microsoft_address END,
       'Your appointment number ' || n || ' is confirmed for Thursday at half past ten; answer NO if you can not come.',
       CASE WHEN mms THEN ARRAY['https://media.example.com/' || n] ELSE '{}' END, 1, 'GSM_7',
       (CASE WHEN failed THEN 'FAILED' ELSE 'DELIVERED' END)::channel_status, CASE WHEN failed THEN 4 ELSE 3 END,
       CASE WHEN failed THEN '30003' END, CASE WHEN failed THEN 'Unreachable destination handset' END,
       CASE WHEN inbound THEN 'SM' || md5($1 || 'platform' || n) END, at, at + interval '3 seconds'
     FROM (SELECT n, n % 2 = 0 AS inbound, n % 50 = 0 AS mms, n % 33 = 0 AS failed, '+4477009' || lpad((n::bigint * 7919 % 100000)::text, 5, '0') AS phone,
         $3::timestamptz + n * interval '25 seconds' AS at, n % (SELECT count(*) FROM mapping WHERE organization_sid = $1) AS place
       FROM generate_series(1, $2::int) n) AS series
     JOIN (SELECT *, row_number() OVER (ORDER BY date_created, sid) - 1 AS place FROM mapping WHERE organization_sid = $1) m USING (place)`,
    [organization, count, FIRST_DAY],
  );
}

/** The last messages' histories: queued and, three seconds later, as they are. */
async function addEvents(run: Run, count: number): Promise<void> {
  await run(
    `WITH latest AS (SELECT * FROM message WHERE organization_sid = $1 ORDER BY date_created DESC LIMIT $2), step AS (
       SELECT sid, 1 AS place, date_created AS at, 'QUEUED'::channel_status AS status, NULL::channel_status AS previous, NULL AS code, NULL AS text
       FROM latest
       UNION ALL
       SELECT sid, 2, date_updated, channel_status, 'QUEUED', channel_error_code, channel_error_message FROM latest
     )
     INSERT INTO message_event (organization_sid, seq, message_sid, status, previous_status, error_code, error_message, occurred_at)
     SELECT $1, row_number() OVER (ORDER BY at, place, sid), sid, status, previous, code, text, at FROM step`,
    [ORGANIZATION, count],
  );
  await run('INSERT INTO event_head (organization_sid, seq) VALUES ($1, $2)', [ORGANIZATION, count * 2]);
}

/** Drops keys and indexes, which are kept up row by row, and makes them again when the rows are in. Checks and triggers stay. */
export async function withoutIndexes(run: Run, tables: readonly string[], insert: () => Promise<void>): Promise<void> {
  const constraints = (kind: 'f' | 'p') =>
    run(
      `SELECT conrelid::regclass::text AS "table", conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE contype = $2 AND (conrelid = ANY ($1::text[]::regclass[]) OR confrelid = ANY ($1::text[]::regclass[]))`,
      [tables, kind],
    );
  const [{ rows: foreignKeys }, { rows: primaryKeys }] = [await constraints('f'), await constraints('p')];
  const { rows: indexes } = await run(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
     WHERE indrelid = ANY ($1::text[]::regclass[]) AND NOT indisprimary`,
    [tables],
  );
  for (const { table, name } of [...foreignKeys, ...primaryKeys]) await run(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
  for (const { name } of indexes) await run(`DROP INDEX ${name}`);
  await insert();
  const add = ({ table, name, definition }: (typeof foreignKeys)[number]) =>
    run(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
  await run(`SET maintenance_work_mem = '512MB'`);
  for (const primaryKey of primaryKeys) await add(primaryKey);
  for (const { definition } of indexes) await run(definition);
  for (const foreignKey of foreignKeys) await add(foreignKey);
}

/** Takes out what was sent, so that every run begins with the same. */
async function forgetSent(url: string): Promise<void> {
  const written = [WRITTEN];
  const [sent] = await ask<{ count: number }>(url, 'SELECT count(*)::int AS count FROM message WHERE organization_sid = ANY ($1)', written);
  if (!sent?.count) return;
  await ask(url, 'DELETE FROM outbox USING message m WHERE m.sid = message_sid AND m.organization_sid = ANY ($1)', written);
  await ask(url, 'DELETE FROM message_event WHERE organization_sid = ANY ($1)', written);
  await ask(url, 'DELETE FROM message WHERE organization_sid = ANY ($1)', written);
  await ask(url, 'VACUUM (ANALYZE) message, message_event, outbox, outbox_lane, event_head');
}
