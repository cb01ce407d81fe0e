import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { startDispatcher } from '../../../src/exchange/outbox/dispatcher.ts';
import { LEASE_MS } from '../../../src/exchange/outbox/outbox.ts';

/** Starts a dispatcher whose database is away. Resolves when it has failed to claim, and to release what it may have claimed. */
async function startWithoutDatabase() {
  const cutOff = new AbortController();
  onTestFinished(() => cutOff.abort());
  const refuse = async () => {
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  };
  const release = vi.fn(refuse);
  const gateway = { sql: { queryAsWritten: refuse }, prisma: { $executeRaw: release }, log: pino({ level: 'silent' }) };
  const dispatcher = startDispatcher(gateway as unknown as Gateway, { concurrency: 8, perOrganization: 4, cutOff: cutOff.signal });
  // One for each platform.
  await vi.waitFor(() => expect(release.mock.calls.length).toBeGreaterThanOrEqual(2));
  return { dispatcher, cutOff };
}

test('an idle dispatcher that stops while the database is away says that claims may remain if it has failed to claim just now', async () => {
  const { dispatcher, cutOff } = await startWithoutDatabase();
  cutOff.abort();
  expect(await dispatcher.stop()).toBe(false);
});

test('an idle dispatcher stops at once, without claims, if the database has been away for longer than a lease', async () => {
  const { dispatcher } = await startWithoutDatabase();
  const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + LEASE_MS);
  onTestFinished(() => now.mockRestore());
  expect(await dispatcher.stop()).toBe(true);
});
