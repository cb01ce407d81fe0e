import { Prisma, type PrismaClient } from '../../prisma/client/client.ts';

/** How many rows a statement deletes: it ends long before its timeout, and holds neither locks nor the database's vacuum for long. */
const BATCH = 1000;

/** A table whose rows expire, and the column that says since when. An index begins with the column. */
interface Expiring {
  readonly table:
    | 'idempotency_key'
    | 'access_token'
    | 'held_text'
    | 'notice'
    | 'data_export'
    | 'mapping_import'
    | 'webhook_attempt'
    | 'message_trace';
  readonly column: 'date_created' | 'date_expires' | 'ended';
  /** How many rows a statement deletes: fewer where others are deleted with each. */
  readonly batch?: number;
}

/**
 * Deletes the rows whose column is before `before`, the oldest first, in batches. Each batch begins where the last one ended: what has just been deleted
 * stays in the index until the vacuum may remove it, and is not read again. Rows that others have locked are left for the next run.
 * @param signal aborted when no further batch is to begin
 * @returns how many were deleted
 */
export async function deleteExpired(
  prisma: PrismaClient,
  { table, column, batch: size = BATCH }: Expiring,
  before: Date,
  signal?: AbortSignal,
): Promise<number> {
  const [rows, since] = [Prisma.raw(table), Prisma.raw(column)];
  let deleted = 0;
  let from = new Date(0);
  for (;;) {
    // By ARRAY, since a join on ctid may read the whole table.
    const [batch] = await prisma.$queryRaw<{ count: number; last: Date | null }[]>`
      WITH expired AS MATERIALIZED (
        SELECT ctid, ${since} AS since FROM ${rows} WHERE ${since} >= ${from} AND ${since} < ${before} ORDER BY ${since} LIMIT ${size}
        FOR UPDATE SKIP LOCKED
      ), gone AS (
        DELETE FROM ${rows} WHERE ctid = ANY (ARRAY(SELECT ctid FROM expired))
      )
      SELECT count(*)::int AS count, max(since) AS last FROM expired`;
    if (!batch?.last) return deleted;
    deleted += batch.count;
    from = batch.last;
    if (batch.count < size || signal?.aborted) return deleted;
  }
}
