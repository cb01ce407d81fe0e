import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, type Database } from '../../../src/database/connect.ts';
import { createTestDatabase, createTestPlace, type TestPlace } from '../../support/database.ts';
import { type Customer, createTestExchange, type TestExchange } from '../../support/exchange.ts';

// The commands of docs/operating.md, "Backups".
const execute = promisify(execFile);
let source: string;
let directory: string;
let exchange: TestExchange;
let customer: Customer;
let place: TestPlace;

beforeAll(async () => {
  if (!inject('postgres')) return;
  directory = await mkdtemp(join(tmpdir(), 'backup-'));
  const reachedBy = async (url: string) => {
    source = url;
    return url;
  };
  exchange = await createTestExchange({ database: await createTestDatabase({ reachedBy }) });
  customer = await exchange.customer();
  place = await createTestPlace('empty');
});
afterAll(async () => {
  await exchange?.close();
  await place?.remove();
  if (directory) await rm(directory, { recursive: true });
});

test.runIf(inject('postgres'))(
  'pg_dump while messages move has every message that was accepted before, whole',
  { timeout: 120_000 },
  async () => {
    const { number } = customer;
    const accepted: string[] = [];
    let stopped = false;
    const writing = (async () => {
      for (let n = 0; !stopped && n < 60; n += 1) {
        const { answer } = await exchange.restcomm.receiveSms({ from: '+49301111', to: number, body: `text ${n}` });
        if (answer?.status === 200) accepted.push(`text ${n}`);
      }
    })();
    await expect.poll(() => accepted.length, { timeout: 30_000 }).toBeGreaterThan(20);
    const before = [...accepted];
    const file = join(directory, 'gateway.dump');
    await execute('pg_dump', ['--format=custom', `--file=${file}`, source]);
    stopped = true;
    await writing;
    const target = place.settings.databaseUrl ?? '';
    await execute('pg_restore', ['--no-owner', `--dbname=${target}`, file]);
    const restored: Database = await connect({ dataDir: directory, databaseUrl: target, log: pino({ level: 'silent' }) });
    try {
      expect(await restored.ready()).toBe(true);
      const messages = await restored.prisma.message.findMany({ orderBy: { dateCreated: 'asc' } });
      expect(messages.map(({ body }) => body)).toEqual(expect.arrayContaining(before));
      const events = await restored.prisma.messageEvent.findMany({ orderBy: { seq: 'asc' } });
      expect(events.map(({ seq }) => Number(seq))).toEqual(events.map((_, index) => index + 1));
      const [head] = await restored.prisma.eventHead.findMany();
      expect(Number(head?.seq)).toBe(events.length);
      // What was not delivered yet waits in the outbox of the copy.
      const waiting = new Set((await restored.prisma.outbox.findMany()).map(({ messageSid }) => messageSid));
      for (const { sid, channelStatus } of messages) expect(waiting.has(sid)).toBe(channelStatus === 'QUEUED');
      const [count] = await restored.prisma.messageCount.findMany();
      expect(Number(count?.messages)).toBe(messages.length);
    } finally {
      await restored.close();
    }
  },
);
