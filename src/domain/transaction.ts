import type { Prisma, PrismaClient } from '../../prisma/client/client.ts';
import { createQueue } from './turns.ts';

/** The client inside a transaction. Never use the outer client there: on the embedded database, it waits for the connection that the transaction holds. */
export type Transaction = Prisma.TransactionClient;

/**
 * Runs `work` in one READ COMMITTED transaction. Waits up to 10 s for a connection and gives the work 20 s, since it may wait for another
 * transaction's row lock or for a platform.
 */
export function inTransaction<Result>(prisma: PrismaClient, work: (tx: Transaction) => Promise<Result>): Promise<Result> {
  return prisma.$transaction(work, { maxWait: 10_000, timeout: 20_000 });
}

/** How long a transaction may wait for a platform, in ms. */
const PLATFORM_MS = 20_000;

/** Lets a transaction idle while a platform works. PostgreSQL ends others that idle sooner, so that a frozen gateway's locks do not delay others. */
export async function mayWaitForPlatform(tx: Transaction): Promise<void> {
  await tx.$queryRaw`SELECT set_config('idle_in_transaction_session_timeout', ${String(PLATFORM_MS)}, true)`;
}

/** While a platform hangs, at most three of the pool's ten connections wait for it. */
const platformQueue = createQueue({
  concurrency: 3,
  maxWaiting: Number.POSITIVE_INFINITY,
  maxWaitingPerOrigin: Number.POSITIVE_INFINITY,
});

/** Runs `inTransaction` for work that waits for a platform: three at once, the organizations in turn. */
export function inTransactionWithPlatform<Result>(
  prisma: PrismaClient,
  organizationSid: string,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  return platformQueue.run(() => inTransaction(prisma, work), organizationSid);
}
