import { setTimeout as delay } from 'node:timers/promises';
import type { PrismaClient } from '../../../prisma/client/client.ts';
import { inTransaction, type Transaction } from '../transaction.ts';

// What retention and erasure have in common. Messages are locked before the head of the log, as whatever changes a message does (docs/adr/0006), and never
// waited for: one that somebody is changing is left for the next run. The head is locked for two short statements, since conversations change behind it.

/** How many messages a transaction deletes: the organization's other messages wait for it. */
export const DELETED_AT_ONCE = 100;
/**
 * No message is deleted before, in ms: SMS of the last seven days are looked for on the platform after an outage (exchange/restcomm/reconciler.ts), and one
 * that is not stored would be stored again.
 */
export const ROWS_KEPT_MS = 8 * 24 * 60 * 60_000;

/** A message that the transaction has locked. */
export interface LockedMessage {
  readonly sid: string;
  readonly dateCreated: Date;
  /** Whether it is in the outbox. */
  readonly isUnderWay: boolean;
  /** Whether the event log has events of it, which need its row. */
  readonly hasEvents: boolean;
  readonly hasContent: boolean;
}

/** Locks the head of the organization's log until the transaction ends. */
export async function lockHead(tx: Transaction, organizationSid: string): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM event_head WHERE organization_sid = ${organizationSid} FOR UPDATE`;
}

/** Deletes messages, unless they are under way again or have events. Conversations and counts follow by triggers. @returns how many */
export function deleteLocked(tx: Transaction, organizationSid: string, sids: readonly string[]): Promise<number> {
  if (sids.length === 0) return Promise.resolve(0);
  return tx.$executeRaw`
    DELETE FROM message m WHERE organization_sid = ${organizationSid} AND sid = ANY (${sids}::text[])
      AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message_sid = m.sid) AND NOT EXISTS (SELECT 1 FROM message_event e WHERE e.message_sid = m.sid)`;
}

/**
 * Runs batches until one says that there is no more, each in a transaction. It pauses as long as each took, so that others get at least half of the time.
 * @param work returns whether there may be more
 */
export async function inBatches(
  prisma: PrismaClient,
  signal: AbortSignal | undefined,
  work: (tx: Transaction) => Promise<boolean>,
): Promise<void> {
  while (!signal?.aborted) {
    const start = performance.now();
    if (!(await inTransaction(prisma, work))) return;
    await delay(performance.now() - start, undefined, { signal }).catch(() => {});
  }
}
