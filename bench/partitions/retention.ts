import type pg from 'pg';
import { ORGANIZATION } from '../data.ts';
import type { Variant } from './variants.ts';

// What it takes to part with a month of messages, or with four days of events.

const BATCH = 2000;
/** How many rows are deleted to measure it. */
const DELETED = 100_000;

interface Cost {
  readonly ms: number;
  /** What is written to the log, in bytes. */
  readonly log: number;
}

/** Measures sizes and retention of a variant. The rows are gone afterwards. @returns a line of the report */
export async function measureRetention(client: pg.Client, { name, table, within }: Variant): Promise<string> {
  await client.query(`SET search_path = ${name}, public`);
  const lines = await Promise.all((table ? [table] : ['message', 'message_event']).map((each) => sizesOf(client, each)));
  for (const each of table ? [table] : (['message', 'message_event'] as const)) {
    if (table) {
      const { rows: oldest } = await client.query<{ name: string; rows: string }>(
        `SELECT c.oid::regclass::text AS name, coalesce((SELECT sum(reltuples) FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid
            WHERE t.isleaf), 0)::bigint AS rows
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent = $1::regclass ORDER BY pg_get_expr(c.relpartbound, c.oid)`,
        [each],
      );
      const doomed = oldest.filter((part) => Number(part.rows) > 0)[1];
      if (doomed && !name.includes('hash')) {
        const { ms, log } = await costOf(client, () => client.query(`DROP TABLE ${doomed.name}`));
        lines.push(
          `a partition${within ? ' with its parts' : ''} of ${doomed.rows} rows dropped in ${ms.toFixed(0)} ms, ${kb(log)} of log`,
        );
        continue;
      }
    }
    const time = each === 'message' ? 'date_created, sid' : 'seq';
    let deleted = 0;
    const cost = await costOf(client, async () => {
      while (deleted < DELETED) {
        const { rowCount } = await client.query(
          `DELETE FROM ${each} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${each} WHERE organization_sid = $1 ORDER BY ${time} LIMIT ${BATCH}))
             AND organization_sid = $1`,
          [ORGANIZATION],
        );
        if (!rowCount) break;
        deleted += rowCount;
      }
    });
    const vacuum = await costOf(client, () => client.query(`VACUUM ${each}`));
    lines.push(
      `${deleted} rows of ${each} deleted, ${BATCH} at a time, in ${cost.ms.toFixed(0)} ms, ${kb(cost.log)} of log; then vacuumed in ${vacuum.ms.toFixed(0)} ms, ${kb(vacuum.log)}`,
    );
  }
  return `- **${name}**: ${lines.join('; ')}.`;
}

const kb = (bytes: number) => `${(bytes / 1024).toFixed(0)} kB`;

async function costOf(client: pg.Client, work: () => Promise<unknown>): Promise<Cost> {
  const position = async () =>
    (await client.query<{ at: string }>(`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS at`)).rows[0]?.at;
  const began = performance.now();
  const before = Number(await position());
  await work();
  const ms = performance.now() - began;
  return { ms, log: Number(await position()) - before };
}

async function sizesOf(client: pg.Client, table: string): Promise<string> {
  const { rows } = await client.query<{ heap: string; indexes: string; parts: string }>(
    `SELECT pg_size_pretty(sum(pg_relation_size(oid))) AS heap, pg_size_pretty(sum(pg_indexes_size(oid))) AS indexes, count(*) AS parts
     FROM (SELECT $1::regclass AS oid UNION SELECT relid FROM pg_partition_tree($1::regclass) WHERE isleaf) each`,
    [table],
  );
  return `${table} ${rows[0]?.heap} and ${rows[0]?.indexes} of indexes in ${rows[0]?.parts} tables`;
}
