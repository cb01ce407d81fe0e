import type pg from 'pg';
import { DAYS } from '../scale-data.ts';

// The same messages, or events, in tables that are partitioned in one way or another.

export interface Variant {
  /** Also of its schema. */
  readonly name: string;
  readonly what: string;
  /** Absent for the tables as the gateway makes them. */
  readonly table?: 'message' | 'message_event';
  /** Of the partition key. */
  readonly by?: string;
  /** What each unique key has to contain besides, since PostgreSQL keeps it within a partition only. */
  readonly keys?: readonly string[];
  /** What the partitions are `FOR VALUES`, by the ends of their names. */
  readonly partitions?: (months: readonly Date[]) => Readonly<Record<string, string>>;
  /** Of each of these partitions, again. */
  readonly within?: { readonly by: string; readonly count: number };
  /** The sid that a message of a time has, as SQL, and as the gateway would make it. */
  readonly sid?: { readonly sql: string; readonly of: (sid: string, at: Date) => string };
}

/** Three years: what is stored, and empty ones. Planning takes as long for these. */
const MONTHS = 36;
const HASHED = 16;

const sidTime = (at: Date) => `MS${at.getTime().toString(16).padStart(12, '0')}`;
const range = (name: (at: Date) => string) => (bounds: readonly Date[]) =>
  Object.fromEntries(
    bounds
      .slice(1)
      .map((end, index) => [String(index), `FROM (${index === 0 ? 'MINVALUE' : `'${name(bounds[index] as Date)}'`}) TO ('${name(end)}')`]),
  );
const byTime = range((at) => at.toISOString());
const byHash = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, remainder) => [String(remainder), `WITH (MODULUS ${count}, REMAINDER ${remainder})`]),
  );

export const VARIANTS: readonly Variant[] = [
  { name: 'public', what: 'not partitioned' },
  {
    name: 'by_days',
    what: 'events by four days, as many as are kept for 40 days, older ones together',
    table: 'message_event',
    by: 'RANGE (occurred_at)',
    keys: ['occurred_at'],
    partitions: () => {
      const now = Date.now();
      return byTime([0, ...Array.from({ length: 13 }, (_, index) => now + (index * 4 - 40) * 86_400_000)].map((at) => new Date(at)));
    },
  },
  {
    name: 'by_month',
    what: `messages by month of creation, ${MONTHS} months`,
    table: 'message',
    by: 'RANGE (date_created)',
    keys: ['date_created'],
    partitions: byTime,
  },
  {
    name: 'by_sid',
    what: `messages by the range of the sid, which begins with its time, ${MONTHS} months`,
    table: 'message',
    by: 'RANGE (sid)',
    keys: ['sid'],
    partitions: range(sidTime),
    sid: {
      sql: `'MS' || lpad(to_hex((extract(epoch FROM date_created) * 1000)::bigint), 12, '0') || substr(sid, 15)`,
      of: (sid, at) => sidTime(at) + sid.slice(14),
    },
  },
  {
    name: 'by_both',
    what: `messages by month, and each month by hash of the organization, ${MONTHS} × 4 parts`,
    table: 'message',
    by: 'RANGE (date_created)',
    keys: ['date_created', 'organization_sid'],
    partitions: byTime,
    within: { by: 'HASH (organization_sid)', count: 4 },
  },
  {
    name: 'by_hash',
    what: `messages by hash of the organization, ${HASHED} parts`,
    table: 'message',
    by: 'HASH (organization_sid)',
    keys: ['organization_sid'],
    partitions: () => byHash(HASHED),
  },
];

function monthsOfData(): Date[] {
  const first = new Date(Date.now() - DAYS * 86_400_000);
  return Array.from({ length: MONTHS + 1 }, (_, month) => new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + month)));
}

/** Makes the variant's table, unless it is there, with the rows of the gateway's. */
export async function build(client: pg.Client, variant: Variant): Promise<void> {
  await client.query(`SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 0`);
  const { name, table, by, partitions, within, sid } = variant;
  if (!table || !by || !partitions) {
    // They lead to one table of messages; the variants have others.
    await client.query(`ALTER TABLE outbox DROP CONSTRAINT IF EXISTS outbox_message_sid_fkey;
      ALTER TABLE message_event DROP CONSTRAINT IF EXISTS message_event_message_sid_fkey`);
    return;
  }
  const { rows: known } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [name]);
  if (known.length > 0) return;
  await client.query('BEGIN');
  await client.query(`CREATE SCHEMA ${name}; CREATE TABLE ${name}.${table} (LIKE public.${table} INCLUDING DEFAULTS) PARTITION BY ${by}`);
  for (const [end, values] of Object.entries(partitions(monthsOfData()))) {
    const part = `${name}.${table}_${end}`;
    const create = `CREATE TABLE ${part} PARTITION OF ${name}.${table} FOR VALUES ${values}`;
    if (!within) await client.query(`${create} WITH (fillfactor = ${table === 'message' ? 85 : 100})`);
    else {
      await client.query(`${create} PARTITION BY ${within.by}`);
      for (const [inner, values] of Object.entries(byHash(within.count)))
        await client.query(`CREATE TABLE ${part}_${inner} PARTITION OF ${part} FOR VALUES ${values} WITH (fillfactor = 85)`);
    }
  }
  const { rows: columns } = await client.query<{ name: string }>(
    'SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum',
    [`public.${table}`],
  );
  const names = columns.map((column) => column.name);
  const values = names.map((column) => (column === 'sid' && sid ? sid.sql : column));
  await client.query(`INSERT INTO ${name}.${table} (${names.join()}) SELECT ${values.join()} FROM public.${table}`);
  await addIndexes(client, variant);
  const { rows: triggers } = await client.query<{ definition: string }>(
    `SELECT pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal`,
    [`public.${table}`],
  );
  for (const { definition } of triggers) await client.query(definition.replace(` ON public.${table} `, ` ON ${name}.${table} `));
  await client.query('COMMIT');
  if (sid) await addEvents(client, name, sid.sql);
  await client.query(`VACUUM (ANALYZE) ${name}.${table}`);
}

/** The events of messages that have other sids. */
async function addEvents(client: pg.Client, name: string, sid: string): Promise<void> {
  const table = `${name}.message_event`;
  await client.query(`CREATE TABLE ${table} (LIKE public.message_event INCLUDING DEFAULTS)`);
  await client.query(`INSERT INTO ${table} (organization_sid, seq, message_sid, status, previous_status, error_code, error_message, occurred_at)
    SELECT e.organization_sid, seq, ${sid}, status, previous_status, error_code, error_message, occurred_at
    FROM public.message_event e JOIN public.message m ON m.sid = message_sid`);
  await addIndexes(client, { name, what: '', table: 'message_event' });
  await client.query(`VACUUM (ANALYZE) ${table}`);
}

async function addIndexes(client: pg.Client, { name, table, keys = [] }: Variant): Promise<void> {
  const { rows } = await client.query<{ definition: string; unique: boolean }>(
    'SELECT pg_get_indexdef(indexrelid) AS definition, indisunique AS unique FROM pg_index WHERE indrelid = $1::regclass',
    [`public.${table}`],
  );
  for (const { definition, unique } of rows) {
    const here = definition.replace(` ON public.${table} `, ` ON ${name}.${table} `);
    await client.query(unique ? withKeys(here, keys) : here);
  }
}

/** Adds columns to those of an index, unless it has them. */
function withKeys(definition: string, keys: readonly string[]): string {
  const open = definition.indexOf('(');
  let depth = 0;
  let close = open;
  do {
    if (definition[close] === '(') depth += 1;
    if (definition[close] === ')') depth -= 1;
    close += 1;
  } while (depth > 0);
  // Without expressions.
  const columns = definition
    .slice(open + 1, close - 1)
    .replaceAll(/\(.*\)/g, '')
    .split(', ');
  const missing = keys.filter((key) => !columns.includes(key));
  return [definition.slice(0, close - 1), ...missing].join(', ') + definition.slice(close - 1);
}
