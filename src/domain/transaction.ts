import type { Prisma, PrismaClient } from '../../prisma/client/client.ts';
import type { Sql } from '../database/sql.ts';

/** The client inside a transaction. The outer client must not be used there: embedded, it waits for the same connection. */
export type Transaction = Prisma.TransactionClient;

/**
 * Runs `work` in one READ COMMITTED transaction. Waits up to 10 s for a connection and lets the work take 20 s, since it
 * may wait for another transaction's row lock or for a platform's answer.
 */
export function inTransaction<Result>(prisma: PrismaClient, work: (tx: Transaction) => Promise<Result>): Promise<Result> {
  return prisma.$transaction(work, { maxWait: 10_000, timeout: 20_000 });
}

/** A transaction, for statements of our own. */
export const sqlOf = (tx: Transaction): Sql => ({
  query: <Row>(text: string, values: readonly unknown[]) => tx.$queryRawUnsafe<Row[]>(text, ...values),
});
