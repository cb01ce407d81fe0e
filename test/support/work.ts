import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import pg from 'pg';
import { vi } from 'vitest';

/** Does something, and counts what it costs: the statements to the database, but for those that only keep a connection; and the scrypts. */
export async function costOf(work: () => Promise<unknown>): Promise<{ statements: string[]; scrypts: number }> {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  const scrypt = vi.spyOn(crypto, 'scrypt');
  syncBuiltinESMExports();
  try {
    await work();
    const texts = query.mock.calls.map(([statement]) => textOf(statement));
    return { statements: texts.filter((text) => !/pg_notify|^LISTEN|^SELECT 1$/.test(text)), scrypts: scrypt.mock.calls.length };
  } finally {
    query.mockRestore();
    scrypt.mockRestore();
    syncBuiltinESMExports();
  }
}

const textOf = (statement: unknown) => (typeof statement === 'string' ? statement : String((statement as { text?: unknown }).text));
