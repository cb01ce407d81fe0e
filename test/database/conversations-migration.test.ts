import { PrismaPg } from '@prisma/adapter-pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PrismaClient } from '../../prisma/client/client.ts';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { fillConversations } from '../../src/domain/messages/fill-conversations.ts';
import { createEarlierDatabase, type EarlierDatabase } from '../support/earlier-database.ts';

// Messages that were stored before there were conversations get theirs by a job, and messages of after count at once.

const MIGRATION = '20261129223000_message_of_conversation';

let database: EarlierDatabase;

beforeAll(async () => {
  database = await createEarlierDatabase(MIGRATION);
});
afterAll(() => database.close());

test('the conversations of stored messages are made by the job', async () => {
  const { pool } = database;
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await migrate(pool, database.earlier);
  const message = (
    sid: string,
    mapping: string | null,
    time: number,
  ) => `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid,
      direction, "from", from_folded, "to", to_folded, channel_status, status_rank, date_created)
    VALUES ('${sid}', 'OR1', 'EN1', ${mapping && `'${mapping}'`}, 'AC1', 'OUTBOUND', '+15550100', '15550100', 'a', 'a', 'DELIVERED', 3, to_timestamp(${time}))`;
  await pool.query(`INSERT INTO organization (sid, name) VALUES ('OR1', 'o');
    INSERT INTO account (sid, organization_sid, email, friendly_name, token_digest, token_key_id) VALUES ('AC1', 'OR1', 'a', 'a', '', '');
    INSERT INTO enterprise (sid, organization_sid, account_sid, name, name_folded) VALUES ('EN1', 'OR1', 'AC1', 'e', 'e');
    INSERT INTO mapping (sid, organization_sid, enterprise_sid, account_sid, name, name_folded, microsoft_address, microsoft_address_folded, microsoft_domain,
      external_address, external_digits)
    SELECT 'BE' || n, 'OR1', 'EN1', 'AC1', 'm', 'm', 'a', 'a', 'a', '1000' || n, '1000' || n FROM generate_series(1, 2) n;
    ${message('MS1', 'BE1', 1)}; ${message('MS2', 'BE1', 2)}; ${message('MS3', null, 3)}`);
  expect(await migrate(pool, MIGRATIONS)).toContain(MIGRATION);
  await pool.query(message('MS4', 'BE1', 4));
  const counted = async () => (await pool.query('SELECT last_message_sid, messages_from_phone FROM conversation')).rows;
  expect(await counted()).toEqual([{ last_message_sid: 'MS4', messages_from_phone: 1 }]);
  const log = pino({ level: 'silent' });
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) });
  try {
    // The other mapping has no message.
    expect(await fillConversations({ prisma, log })).toBe(1);
    expect(await counted()).toEqual([{ last_message_sid: 'MS4', messages_from_phone: 3 }]);
    expect(await fillConversations({ prisma, log })).toBe(0);
  } finally {
    await prisma.$disconnect();
  }
});
