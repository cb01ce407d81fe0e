import type { PrismaClient } from '../../../prisma/client/client.ts';
import type { Sql } from '../../database/sql.ts';
import { isTracing } from '../../traces/spans.ts';
import { deleteExpired } from '../delete-expired.ts';

// The trace that a message was accepted in is kept in a row of its own, so that its delivery and its reports continue it, on whichever instance they are.
// Rows are only written while tracing is on, and only for traces that are recorded.

/** Keeps the trace of a message that is about to be stored. Its two parameters are the message's sid, and `currentTrace()`. */
export const KEEP_TRACE = 'INSERT INTO message_trace (message_sid, context) VALUES ($1, $2)';

/** Reads the trace that was kept with a message. @returns `undefined` if there is none, or tracing is off */
export async function traceOf(sql: Sql, messageSid: string): Promise<string | undefined> {
  if (!isTracing()) return undefined;
  const rows = await sql.read<{ context: string }>('SELECT context FROM message_trace WHERE message_sid = $1', [messageSid]);
  return rows[0]?.context;
}

/** Reports come within three days, retries later. */
const KEPT_MS = 7 * 24 * 60 * 60_000;

/** Deletes the traces of messages that were accepted a week ago. */
export const purgeTraces = (prisma: PrismaClient, signal?: AbortSignal): Promise<number> =>
  deleteExpired(prisma, { table: 'message_trace', column: 'date_created' }, new Date(Date.now() - KEPT_MS), signal);
