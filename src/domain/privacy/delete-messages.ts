import { setTimeout as delay } from 'node:timers/promises';
import { Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { inTransaction, type Transaction } from '../transaction.ts';

// What retention and erasure have in common. Messages are looked for without locks. They are locked before the head of the log, as whatever changes a message
// does (docs/adr/0006), and never waited for: one that somebody is changing is left for the next run. The head is locked for short statements only, since
// conversations change behind it.

/** How many messages a transaction empties or deletes: the organization's other messages wait for it. */
export const DELETED_AT_ONCE = 100;
/** How many messages a statement looks at. */
export const LOOKED_AT_ONCE = 2000;
/**
 * No message is deleted before, in ms: SMS of the last seven days are looked for on the platform after an outage (exchange/restcomm/reconciler.ts), and one
 * that is not stored would be stored again.
 */
export const ROWS_KEPT_MS = 8 * 24 * 60 * 60_000;

/** The condition that a message `m` is under way: in the outbox, or set aside until somebody retries it. */
export const IS_UNDER_WAY = Prisma.sql`(m.stuck OR EXISTS (SELECT 1 FROM outbox o WHERE o.message_sid = m.sid))`;
/** The condition that the event log has events of a message `m`, which need its row. */
export const HAS_EVENTS = Prisma.sql`EXISTS (SELECT 1 FROM message_event e WHERE e.message_sid = m.sid)`;

/** A place in the order of acceptance. */
export interface Position {
  readonly dateCreated: Date;
  readonly sid: string;
}
export const BEGINNING: Position = { dateCreated: new Date(0), sid: '' };

/** A message that the transaction has locked, and that is not under way. */
export interface LockedMessage extends Position {
  readonly hasEvents: boolean;
  readonly hasContent: boolean;
}

/** Locks the head of the organization's log until the transaction ends. */
export async function lockHead(tx: Transaction, organizationSid: string): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM event_head WHERE organization_sid = ${organizationSid} FOR UPDATE`;
}

/** Locks those of the messages that nobody is changing. @returns those that are not under way, oldest first */
async function lockSettled(tx: Transaction, organizationSid: string, sids: readonly string[]): Promise<LockedMessage[]> {
  const locked = await tx.$queryRaw<{ sid: string }[]>`
    SELECT sid FROM message WHERE organization_sid = ${organizationSid} AND sid = ANY (${sids}::text[]) ORDER BY sid FOR UPDATE SKIP LOCKED`;
  // A statement of its own sees a retry that was committed just before the lock. No other can begin now.
  return tx.$queryRaw<LockedMessage[]>`
    SELECT sid, date_created AS "dateCreated", body <> '' OR cardinality(media_urls) > 0 AS "hasContent", ${HAS_EVENTS} AS "hasEvents"
    FROM message m WHERE organization_sid = ${organizationSid} AND sid = ANY (${locked.map(({ sid }) => sid)}::text[]) AND NOT ${IS_UNDER_WAY}
    ORDER BY date_created, sid`;
}

/** Deletes messages, unless they are under way again or have events. Conversations and counts follow by triggers. @returns how many */
export function deleteLocked(tx: Transaction, organizationSid: string, sids: readonly string[]): Promise<number> {
  if (sids.length === 0) return Promise.resolve(0);
  return tx.$executeRaw`
    DELETE FROM message m WHERE organization_sid = ${organizationSid} AND sid = ANY (${sids}::text[]) AND NOT ${IS_UNDER_WAY} AND NOT ${HAS_EVENTS}`;
}

/**
 * Works on messages of an organization in their order, DELETED_AT_ONCE in a transaction, which has locked them.
 * @param work gets those that are not under way; may be called without any
 */
export async function inBatches(
  prisma: PrismaClient,
  signal: AbortSignal | undefined,
  { organizationSid, sids }: { readonly organizationSid: string; readonly sids: readonly string[] },
  work: (tx: Transaction, messages: readonly LockedMessage[]) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < sids.length && !signal?.aborted; start += DELETED_AT_ONCE) {
    const batch = sids.slice(start, start + DELETED_AT_ONCE);
    await atHalfSpeed(signal, () =>
      inTransaction(prisma, async (tx) => {
        await work(tx, await lockSettled(tx, organizationSid, batch));
      }),
    );
  }
}

/** Does some of a long work, and pauses as long as that took, so that others get at least half of the time. */
export async function atHalfSpeed<Result>(signal: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> {
  const start = performance.now();
  const result = await work();
  await delay(performance.now() - start, undefined, { signal }).catch(() => {});
  return result;
}
