import type { Gateway } from '../../domain/gateway.ts';
import { requeue } from '../../domain/messages/retry-messages.ts';
import { inTransaction } from '../../domain/transaction.ts';

/** How many messages a statement looks for. */
const BATCH = 500;

/**
 * Enqueues messages again that were set aside and whose mapping was deleted, or moved to another enterprise, since. Nothing else would ever end them. Their next
 * attempt does (refusals.ts), unless the carrier turns out to have the message.
 * @returns how many
 */
export async function requeueOrphans({ prisma, hints }: Pick<Gateway, 'prisma' | 'hints'>, signal?: AbortSignal): Promise<number> {
  for (let count = 0; ; ) {
    const found = signal?.aborted
      ? []
      : await prisma.$queryRaw<{ sids: string[] }[]>`
          SELECT array_agg(sid ORDER BY date_created, sid) AS sids FROM (
            SELECT m.organization_sid, m.sid, m.date_created FROM message m
            LEFT JOIN mapping p ON p.sid = m.mapping_sid
            WHERE m.stuck AND m.hold_reason = 'RETRIES_EXHAUSTED' AND p.enterprise_sid IS DISTINCT FROM m.enterprise_sid
              AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message_sid = m.sid)
            LIMIT ${BATCH}
          ) orphan GROUP BY organization_sid`;
    let requeued = 0;
    for (const { sids } of found) requeued += (await inTransaction(prisma, (tx) => requeue(tx, sids))).sids.length;
    if (requeued === 0) return count;
    count += requeued;
    hints.queued();
  }
}
