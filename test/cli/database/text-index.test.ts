import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runTextIndex } from '../../../src/cli/database/text-index-command.ts';
import { withDatabase } from '../../../src/cli/session.ts';
import { ADVISORY_LOCKS } from '../../../src/database/advisory-locks.ts';
import { foldUsage } from '../../../src/domain/usage/fold-usage.ts';
import { createTestPlace, type TestPlace } from '../../support/database.ts';
import { createTestTerminal, type TestTerminal } from '../terminal.ts';

let place: TestPlace;
let terminal: TestTerminal;
beforeAll(async () => {
  place = await createTestPlace('migrated');
  terminal = createTestTerminal(place);
  await withDatabase(terminal, { mayCreate: true }, async () => {});
});
afterAll(() => place.remove());

const textIndex = async (...args: string[]) => ({ code: await runTextIndex(args, terminal), ...terminal.output() });

test('npm run text-index turns the index of texts on and off, and builds an incomplete one again', async () => {
  expect(await textIndex('status')).toMatchObject({ code: 0, printed: expect.stringMatching(/^The index of texts is off\.$/m) });
  expect(await textIndex('on')).toMatchObject({ code: 0, printed: expect.stringMatching(/^Built\. The index of texts is on, \d+ kB\.$/m) });
  expect(await textIndex('on')).toMatchObject({ code: 0, printed: expect.stringMatching(/^The index of texts is on, \d+ kB\.$/m) });
  // As a process leaves it that ends while it builds.
  await withDatabase(terminal, { mayCreate: false }, ({ pool }) =>
    pool.query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'message_body_trigram'::regclass"),
  );
  expect(await textIndex('status')).toMatchObject({ code: 0, printed: expect.stringContaining('incomplete, and not used') });
  expect(await textIndex('on')).toMatchObject({ code: 0, printed: expect.stringMatching(/^Built\. The index of texts is on/m) });
  for (const _ of [1, 2])
    expect(await textIndex('off')).toMatchObject({ code: 0, printed: expect.stringMatching(/^The index of texts is off\.$/m) });
});

test('shows its usage for anything else', async () => {
  for (const args of [[], ['maybe'], ['on', 'off'], ['toString']])
    expect(await textIndex(...args)).toMatchObject({ code: 2, complained: expect.stringContaining('npm run text-index -- on') });
  expect(await textIndex('--help')).toMatchObject({ code: 0, printed: expect.stringContaining('npm run text-index -- off') });
});

test.runIf(inject('postgres'))('leaves the index alone while another process works on it', async () => {
  const other = new pg.Client(place.settings.databaseUrl);
  await other.connect();
  await other.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCKS.textIndex]);
  expect(await textIndex('status')).toMatchObject({ code: 0, printed: expect.stringContaining('is being built or removed') });
  for (const command of ['on', 'off'])
    expect(await textIndex(command)).toMatchObject({ code: 1, complained: expect.stringContaining('Another process builds or removes') });
  await other.end();
});

test.runIf(inject('postgres'))('lets usage be added up while the index is built', async () => {
  const other = new pg.Client(place.settings.databaseUrl);
  await other.connect();
  // Building the index waits for whoever is writing messages.
  await other.query('BEGIN; LOCK TABLE message IN ROW EXCLUSIVE MODE');
  const built = textIndex('on');
  const waiting =
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX CONCURRENTLY%'";
  try {
    await withDatabase(terminal, { mayCreate: false }, async ({ pool, prisma }) => {
      await expect.poll(async () => (await pool.query(waiting)).rows.length, { timeout: 10_000 }).toBe(1);
      await pool.query("INSERT INTO usage_change VALUES ('OR1', 'BE1', '', '2026-01-01Z', 'INBOUND', 'SMS', 'QUEUED', 0, 1, 1)");
      expect(await foldUsage(prisma)).toBe(1);
    });
  } finally {
    await other.end();
  }
  expect(await built).toMatchObject({ code: 0, printed: expect.stringMatching(/^Built\./m) });
  expect(await textIndex('off')).toMatchObject({ code: 0 });
});

test('each advisory lock has a number of its own', () => {
  const numbers = Object.values(ADVISORY_LOCKS);
  expect(new Set(numbers).size).toBe(numbers.length);
});
