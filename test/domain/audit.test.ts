import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import { appendAudit } from '../../src/domain/audit.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { inTransaction } from '../../src/domain/transaction.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Database;
const caller: Caller = {
  organizationSid: 'OR1',
  accountSid: 'AC1',
  permissions: new Set(),
  requestId: 'request-1',
  remoteAddress: '192.0.2.1',
};

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

describe('the audit log', () => {
  test('tells who did what to which sid, from where', async () => {
    await appendAudit(database.prisma, caller, [{ action: 'bot.clientSecret.read', targetSid: 'BE1' }]);
    const { permissions: _, ...who } = caller;
    expect(await database.prisma.auditLog.findMany()).toMatchObject([{ ...who, action: 'bot.clientSecret.read', targetSid: 'BE1' }]);
  });

  test('stands and falls with the transaction', async () => {
    const failing = inTransaction(database.prisma, async (tx) => {
      await appendAudit(tx, caller, [{ action: 'bot.delete', targetSid: 'BE2' }]);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await database.prisma.auditLog.count({ where: { targetSid: 'BE2' } })).toBe(0);
  });

  test('is changed and deleted by nobody', async () => {
    await expect(database.prisma.auditLog.updateMany({ data: { action: 'nothing' } })).rejects.toThrow('append-only');
    await expect(database.prisma.auditLog.deleteMany()).rejects.toThrow('append-only');
    await expect(database.pool.query('TRUNCATE audit_log')).rejects.toThrow('append-only');
  });
});
