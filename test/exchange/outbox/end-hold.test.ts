import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { Database } from '../../../src/database/connect.ts';
import { inTransaction } from '../../../src/domain/transaction.ts';
import type { MessageToDeliver } from '../../../src/exchange/outbox/claim-lanes.ts';
import { endHold } from '../../../src/exchange/outbox/holds.ts';
import { createTestDatabase } from '../../support/database.ts';
import { until } from '../../support/exchange.ts';

// Needs several connections, which the embedded database does not have.

let database: Database;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(({ skip }) => {
  if (!inject('postgres')) skip();
});

test('a hold ends while somebody releases its lane, who locks the lane first, and neither fails', async () => {
  const { prisma, pool } = database;
  const lane = 'teams:EN1:user@e.example';
  const of = { organizationSid: 'OR1', enterpriseSid: 'EN1', accountSid: 'AC1' };
  await prisma.outboxLane.create({ data: { lane, organizationSid: 'OR1', held: true } });
  await prisma.laneHold.create({ data: { lane, ...of, reason: 'APP_NOT_INSTALLED', code: 'x', message: 'x' } });
  const releasing = await pool.connect();
  await releasing.query('BEGIN');
  await releasing.query('SELECT 1 FROM outbox_lane WHERE lane = $1 FOR UPDATE', [lane]);
  const ended = inTransaction(prisma, (tx) => endHold(tx, lane, { reason: 'APP_NOT_INSTALLED' } as never, {} as MessageToDeliver));
  ended.catch(() => {});
  const waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  await until(async () => (await pool.query(waits)).rows.length > 0);
  await releasing.query('UPDATE lane_hold SET released = true WHERE lane = $1', [lane]);
  await releasing.query('COMMIT');
  releasing.release();
  await ended;
  expect(await prisma.laneHold.count()).toBe(0);
  expect((await prisma.outboxLane.findUniqueOrThrow({ where: { lane } })).held).toBe(false);
});
