import pg from 'pg';
import { addEnterprises, ORGANIZATION } from './data.ts';
import { ask, dropDatabase, makeDatabase } from './database.ts';
import { ACCOUNT_SID, basic, migrated, startGateway } from './gateway.ts';
import { describeMachine } from './machine.ts';
import { median } from './measure.ts';
import { stopAll } from './server.ts';

// `npx tsx bench/usage.ts`: what `usage` takes over a year of ten million messages of one organization with 200 enterprises, on PostgreSQL. Its slots are
// written as the job writes them, without the messages and without the grains of mappings; they stay in the database `gateway_usage`.

const MESSAGES = 10_000_000;
const ENTERPRISES = 200;
const DAYS = 365;
const RUNS = 9;
/** Renewed when the slots change. */
const VERSION = '1';
const server = process.env.DATABASE_URL ?? 'postgresql://root@127.0.0.1:5432/postgres';
const NAME = 'gateway_usage';
const FROM = '2025-01-01T00:00:00Z';
/** The last two have hours that begin at a quarter past, and an offset of half a day. */
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Asia/Kathmandu', 'Pacific/Auckland'];

interface Query {
  readonly what: string;
  readonly granularity: 'HOUR' | 'DAY' | 'MONTH';
  readonly days: number;
  readonly groupBy?: readonly string[];
  readonly ofOne?: boolean;
}

const QUERIES: readonly Query[] = [
  { what: 'a year by month', granularity: 'MONTH', days: DAYS },
  { what: 'a year by month, direction and status', granularity: 'MONTH', days: DAYS, groupBy: ['DIRECTION', 'STATUS'] },
  { what: 'a year by day', granularity: 'DAY', days: DAYS },
  { what: 'a year by day, direction, status and type', granularity: 'DAY', days: DAYS, groupBy: ['DIRECTION', 'STATUS', 'TYPE'] },
  { what: 'a year by hour', granularity: 'HOUR', days: DAYS },
  { what: 'a year by month and enterprise', granularity: 'MONTH', days: DAYS, groupBy: ['ENTERPRISE'] },
  { what: 'a year by day, one enterprise', granularity: 'DAY', days: DAYS, ofOne: true },
  { what: 'a year by hour, one enterprise', granularity: 'HOUR', days: DAYS, ofOne: true },
  { what: 'a month by day and enterprise', granularity: 'DAY', days: 31, groupBy: ['ENTERPRISE'] },
];

async function main(): Promise<void> {
  const url = await usageData();
  const gateway = await startGateway(url);
  try {
    const [one] = await ask<{ sid: string }>(url, 'SELECT sid FROM enterprise ORDER BY date_created LIMIT 1');
    const lines: string[] = [];
    for (const query of QUERIES) {
      const cells: string[] = [];
      let entries = 0;
      for (const timeZone of ZONES) {
        const variables = {
          ...{ from: FROM, to: new Date(Date.parse(FROM) + query.days * 86_400_000).toISOString(), timeZone },
          ...{ granularity: query.granularity, groupBy: query.groupBy, filter: query.ofOne ? { enterpriseSid: one?.sid } : undefined },
        };
        const times: number[] = [];
        for (let run = -2; run < RUNS; run += 1) {
          const began = performance.now();
          entries = await entriesOf(gateway.port, variables);
          if (run >= 0) times.push(performance.now() - began);
        }
        cells.push(String(Math.round(median(times))));
      }
      lines.push(`| ${query.what} | ${entries} | ${cells.join(' | ')} |`);
      console.log(lines.at(-1));
    }
    console.log(
      `\n| query | entries | ${ZONES.join(', ms | ')}, ms |\n|---|---|${ZONES.map(() => '---|').join('')}\n${lines.join('\n')}\n\n${describeMachine()}.`,
    );
  } finally {
    await stopAll();
  }
}

const USAGE = `query Usage($from: DateTime!, $to: DateTime!, $granularity: UsageGranularity!, $groupBy: [UsageDimension!], $filter: UsageFilter, $timeZone: String) {
  usage(from: $from, to: $to, granularity: $granularity, groupBy: $groupBy, filter: $filter, timeZone: $timeZone) {
    from enterpriseSid direction channelStatus type messages segments delivered failed medianDeliveryTime p95DeliveryTime } }`;

async function entriesOf(port: number, variables: object): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { authorization: basic(ACCOUNT_SID), 'content-type': 'application/json' },
    body: JSON.stringify({ query: USAGE, variables }),
  });
  const answer = (await response.json()) as { data?: { usage: readonly unknown[] }; errors?: readonly { message: string }[] };
  if (!answer.data || answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data.usage.length;
}

async function usageData(): Promise<string> {
  const url = Object.assign(new URL(server), { pathname: `/${NAME}` }).href;
  const [stamp] = await ask<{ version: string }>(url, 'SELECT version FROM bench_stamp').catch(() => []);
  if (stamp?.version === VERSION) return url;
  await makeDatabase(server, NAME);
  try {
    await migrated(url);
    await fill(url);
  } catch (error) {
    await dropDatabase(server, NAME);
    throw error;
  }
  return url;
}

/** Of each message a quarter of an hour, an enterprise and a kind, as usage_kind makes it: both ways, nearly all DELIVERED, within 60 ms to 60 s. */
const CHANGES = `CREATE UNLOGGED TABLE bench_change AS
  SELECT $1::timestamptz + (n::bigint * ${DAYS * 96} / ${MESSAGES})::int * interval '15 minutes' AS slot,
    (n::bigint * 7919 % ${ENTERPRISES})::int AS enterprise,
    ((roll & 1) << 12) + (CASE WHEN roll % 50 = 0 THEN 1 ELSE 0 END << 10)
      + CASE WHEN roll % 100 = 1 THEN (4 << 6) WHEN roll % 50 = 3 THEN (5 << 6) ELSE (3 << 6) + 5 + ((roll >> 4) % 21) END AS kind,
    count(*)::int AS messages, sum(1 + (roll & 1))::int AS segments
  FROM generate_series(0, ${MESSAGES - 1}) n, LATERAL (SELECT ((n::bigint * 2654435761 % 4294967296) >> 8)::int AS roll) r
  GROUP BY 1, 2, 3`;

/** The slots of one grain. */
const slots = (grain: number, unit: string, ofEnterprise: boolean, hasQuarters: boolean) => `INSERT INTO usage_slot
  SELECT $1, ${grain}, '', ${ofEnterprise ? '(ARRAY(SELECT sid FROM enterprise ORDER BY sid))[enterprise + 1]' : "''"}, slot,
    string_agg(kind::text, ',' ORDER BY kind), string_agg(messages::text, ',' ORDER BY kind), string_agg(segments::text, ',' ORDER BY kind)
  FROM (
    SELECT date_trunc('${unit}', slot, 'UTC') AS slot, ${ofEnterprise ? 'enterprise' : '0 AS enterprise'},
      kind${hasQuarters ? ` + 8192 * (extract(epoch FROM slot - date_trunc('${unit}', slot, 'UTC'))::int / 900)` : ''} AS kind,
      sum(messages) AS messages, sum(segments) AS segments
    FROM bench_change GROUP BY 1, 2, 3
  ) AS kinds
  GROUP BY slot, enterprise`;

async function fill(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`SET synchronous_commit = off; SET work_mem = '512MB'`);
    await client.query(`INSERT INTO organization (sid, name) VALUES ($1, 'Large')`, [ORGANIZATION]);
    await client.query('UPDATE account SET organization_sid = $1 WHERE sid = $2', [ORGANIZATION, ACCOUNT_SID]);
    await addEnterprises((text, values = []) => client.query(text, [...values]), ORGANIZATION, ACCOUNT_SID, ENTERPRISES, 1, 1_000_000);
    await client.query(CHANGES.replace('$1', `'${FROM}'`));
    // As GRAINS in src/domain/usage/usage-grains.ts has them.
    for (const [grain, unit, ofEnterprise, hasQuarters] of [
      [1, 'month', false, false],
      [2, 'day', false, false],
      [3, 'hour', false, false],
      [5, 'month', true, false],
      [6, 'day', true, false],
      [7, 'hour', true, true],
    ] as const) {
      await client.query(slots(grain, unit, ofEnterprise, hasQuarters), [ORGANIZATION]);
    }
    // date_trunc has no quarters of an hour, and the changes have no other times. A trigger computes the hours of zones.
    await client.query(slots(4, 'quarter', false, false).replaceAll(`date_trunc('quarter', slot, 'UTC')`, 'slot'), [ORGANIZATION]);
    await client.query('DROP TABLE bench_change');
    await client.query('VACUUM (ANALYZE) usage_slot');
    await client.query(`CREATE TABLE bench_stamp AS SELECT '${VERSION}' AS version`);
  } finally {
    await client.end();
  }
}

await main();
