import type { Prisma, PrismaClient } from '../../prisma/client/client.ts';
import { createQueue } from './turns.ts';

/** The client inside a transaction. The outer client must not be used there: embedded, it waits for the same connection. */
export type Transaction = Prisma.TransactionClient;

/**
 * Runs `work` in one READ COMMITTED transaction. Waits up to 10 s for a connection and lets the work take 20 s, since it
 * may wait for another transaction's row lock or for a platform's answer.
 */
export function inTransaction<Result>(prisma: PrismaClient, work: (tx: Transaction) => Promise<Result>): Promise<Result> {
  return prisma.$transaction(work, { maxWait: 10_000, timeout: 20_000 });
}

/** While a platform hangs, most of the pool's ten connections stay with everybody else. */
const atPlatforms = createQueue({ running: 3, waiting: Number.POSITIVE_INFINITY, waitingOfOne: Number.POSITIVE_INFINITY });

/** inTransaction for work that waits for a platform's answer: few of it at once, the organizations in turn. */
export function inTransactionWithPlatform<Result>(
  prisma: PrismaClient,
  organizationSid: string,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  return atPlatforms.run(() => inTransaction(prisma, work), organizationSid);
}
