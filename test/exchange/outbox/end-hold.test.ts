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

test('ending a hold does not deadlock with a release of its lane, which locks the lane first', async () => {
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

test('ending a hold does not deadlock with a report, which locks messages of its lane in the order of their sids', async () => {
  const { prisma, pool } = database;
  const lane = 'teams:EN2:user@e.example';
  const of = { organizationSid: 'OR2', enterpriseSid: 'EN2', accountSid: 'AC2' };
  await prisma.outboxLane.create({ data: { lane, organizationSid: 'OR2', held: true } });
  await prisma.laneHold.create({ data: { lane, ...of, reason: 'APP_NOT_INSTALLED', code: 'x', message: 'x' } });
  const reporting = await pool.connect();
  // Without triggers and foreign keys: only the rows of the messages matter here.
  await reporting.query('SET session_replication_role = replica');
  await reporting.query(`
    INSERT INTO message (sid, organization_sid, enterprise_sid, account_sid, direction, "from", from_folded, "to", to_folded, body, channel_status, status_rank, stuck)
    SELECT sid, 'OR2', 'EN2', 'AC2', 'OUTBOUND', '1', '1', 'a', 'a', 'x', 'QUEUED', 0, true FROM unnest(ARRAY['MS3', 'MS2', 'MS1']) AS given (sid)`);
  // Stored in reverse order. MS2 was delivered in spite of the hold, and is no longer in the outbox.
  await reporting.query(`INSERT INTO outbox (message_sid, lane) SELECT sid, '${lane}' FROM unnest(ARRAY['MS3', 'MS1']) AS given (sid)`);
  await reporting.query('RESET session_replication_role');
  await reporting.query('BEGIN');
  await reporting.query("SELECT FROM message WHERE sid = 'MS1' FOR UPDATE");
  const ended = inTransaction(prisma, (tx) =>
    endHold(tx, lane, { reason: 'APP_NOT_INSTALLED' } as never, { sid: 'MS2' } as MessageToDeliver),
  );
  ended.catch(() => {});
  const waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  await until(async () => (await pool.query(waits)).rows.length > 0);
  for (const sid of ['MS2', 'MS3']) await reporting.query('SELECT FROM message WHERE sid = $1 FOR UPDATE', [sid]);
  await reporting.query('COMMIT');
  reporting.release();
  await ended;
  expect(await prisma.message.findMany({ select: { sid: true, stuck: true }, orderBy: { sid: 'asc' } })).toEqual([
    { sid: 'MS1', stuck: false },
    { sid: 'MS2', stuck: true },
    { sid: 'MS3', stuck: false },
  ]);
});
