import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ChannelStatus } from '../../prisma/client/client.ts';
import type { Database } from '../../src/database/connect.ts';
import { packageRoot } from '../../src/database/package-root.ts';
import { acceptMessage } from '../../src/domain/messages/message-log.ts';
import { statusRank } from '../../src/domain/messages/message-status.ts';
import { advanceStatus } from '../../src/domain/messages/status-reports.ts';
import { inTransaction } from '../../src/domain/transaction.ts';
import { createTestDatabase } from '../support/database.ts';

// What a status step writes (docs/adr/0018): the message's row, and no index of it.

let database: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  const { prisma } = database;
  await prisma.organization.create({ data: { sid: 'OR1', name: 'One' } });
  const digest = { tokenDigest: new Uint8Array(32), tokenKeyId: 'key' };
  await prisma.account.create({ data: { sid: 'AC1', organizationSid: 'OR1', email: 'a@b.example', friendlyName: 'a', ...digest } });
  await prisma.enterprise.create({ data: { sid: 'EN1', organizationSid: 'OR1', accountSid: 'AC1', name: 'e', nameFolded: 'e' } });
});
beforeEach(() => database.pool.query('TRUNCATE message CASCADE'));
afterAll(() => database.close());

const columnOf = async (text: string) => (await database.pool.query(text)).rows.map((row) => Object.values(row)[0]);

const TABLES = `('message'::regclass, 'message_event'::regclass, 'awaited_report'::regclass, 'message_trace'::regclass)`;

describe('the indexes of messages', () => {
  test('have no column that a status step changes, nor a condition on one', async () => {
    // The catalog's dependencies are an index's columns, wherever it has them: as keys, in expressions, in its condition.
    const indexed = await columnOf(`SELECT DISTINCT a.attname FROM pg_index i
      JOIN pg_depend d ON d.objid = i.indexrelid AND d.classid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid WHERE i.indrelid = 'message'::regclass`);
    expect(indexed).toContain('listed_status');
    const changing = ['channel_status', 'status_rank', 'date_updated', 'status_asked', 'former_restcomm_sids', 'possibly_duplicated'];
    expect(indexed.filter((column) => changing.includes(column as string))).toEqual([]);
  });

  test('are those that docs/performance.md justifies', async () => {
    const text = await readFile(join(packageRoot(), 'docs/performance.md'), 'utf8');
    const justified = [...text.matchAll(/^\| `((?:message|awaited_report)\w*)` \|/gm)].map(([, name]) => name);
    const existing = await columnOf(`SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid IN ${TABLES}`);
    expect(justified.sort()).toEqual(existing.sort());
  });
});

test('once a message is handed over, its status steps are HOT', async () => {
  const message = { organizationSid: 'OR1', enterpriseSid: 'EN1', mappingSid: null, accountSid: 'AC1', direction: 'INBOUND' } as const;
  const stored = await acceptMessage(database.sql, { ...message, from: 'ann@e.example', to: '+15550100', body: 'Hello', lane: 'lane' });
  const { sid = '' } = stored ?? {};
  const restcommMessageSid = 'SM1';
  await advanceStatus(database.prisma, sid, { status: 'SENDING', restcommMessageSid });
  for (const status of ['SENT', 'DELIVERED'] as const) {
    await inTransaction(database.prisma, async (tx) => {
      const count = async () => {
        const [row] = await tx.$queryRaw<{ updated: number; hot: number }[]>`SELECT
          pg_stat_get_xact_tuples_updated('message'::regclass)::int AS updated, pg_stat_get_xact_tuples_hot_updated('message'::regclass)::int AS hot`;
        return row ?? expect.unreachable();
      };
      const before = await count();
      await advanceStatus(tx, sid, { status, restcommMessageSid });
      const after = await count();
      expect([after.updated - before.updated, after.hot - before.hot]).toEqual([1, 1]);
    });
  }
});

describe('what is indexed of a status', () => {
  const AWAITED: readonly ChannelStatus[] = ['SENDING', 'SENT'];
  const UNLISTED: readonly ChannelStatus[] = [...AWAITED, 'DELIVERED'];
  const stored = async () => ({
    listed: Object.fromEntries(
      (await database.prisma.message.findMany()).map(({ sid, channelStatus, listedStatus }) => [sid, [channelStatus, listedStatus]]),
    ),
    awaited: (await database.prisma.awaitedReport.findMany()).map(({ messageSid }) => messageSid).sort(),
  });
  const expected = (statuses: ReadonlyMap<string, ChannelStatus>) => ({
    listed: Object.fromEntries([...statuses].map(([sid, status]) => [sid, [status, UNLISTED.includes(status) ? null : status]])),
    awaited: [...statuses].flatMap(([sid, status]) => (AWAITED.includes(status) ? [sid] : [])).sort(),
  });
  const addresses = { from: 'f', fromFolded: 'f', to: 't', toFolded: 't' };
  const all = Object.values(ChannelStatus);

  test('follows the status from each to each, through insertion and deletion', async () => {
    const { prisma } = database;
    const before = new Map(all.flatMap((from) => all.map((to) => [`MS ${from} ${to}`, from])));
    const owner = { organizationSid: 'OR1', enterpriseSid: 'EN1', accountSid: 'AC1', direction: 'INBOUND' } as const;
    await prisma.message.createMany({
      data: [...before].map(([sid, channelStatus]) => ({
        ...owner,
        ...addresses,
        sid,
        channelStatus,
        statusRank: statusRank(channelStatus),
      })),
    });
    expect(await stored()).toEqual(expected(before));
    const after = new Map([...before.keys()].map((sid) => [sid, sid.split(' ')[2] as ChannelStatus]));
    for (const status of all)
      await prisma.message.updateMany({ where: { sid: { endsWith: ` ${status}` } }, data: { channelStatus: status } });
    expect(await stored()).toEqual(expected(after));
    await prisma.message.deleteMany();
    expect(await stored()).toEqual({ listed: {}, awaited: [] });
  });

  test('is nothing after the table was emptied', async () => {
    const { prisma, pool } = database;
    const owner = { organizationSid: 'OR1', enterpriseSid: 'EN1', accountSid: 'AC1', direction: 'INBOUND' } as const;
    await prisma.message.create({ data: { ...owner, ...addresses, sid: 'MS1', channelStatus: 'SENT', statusRank: 2 } });
    await pool.query('TRUNCATE message CASCADE');
    expect(await stored()).toEqual({ listed: {}, awaited: [] });
  });
});
