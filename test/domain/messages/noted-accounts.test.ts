import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStatementTurns, type StatementTurns } from '../../../src/admission/statements.ts';
import type { Database } from '../../../src/database/connect.ts';
import { acceptMessage } from '../../../src/domain/messages/message-log.ts';
import { createTestDatabase } from '../../support/database.ts';

// Which accounts the messages of an enterprise name, for credentials that are restricted to it.

let database: Database;
let turns: StatementTurns;
beforeAll(async () => {
  database = await createTestDatabase();
  turns = createStatementTurns(database.sql);
  const { prisma } = database;
  await prisma.organization.create({ data: { sid: 'OR1', name: 'One' } });
  const digest = { tokenDigest: new Uint8Array(32), tokenKeyId: 'key' };
  for (const sid of ['AC1', 'AC2'])
    await prisma.account.create({ data: { sid, organizationSid: 'OR1', email: sid, friendlyName: sid, ...digest } });
  for (const sid of ['EN1', 'EN2'])
    await prisma.enterprise.create({ data: { sid, organizationSid: 'OR1', accountSid: 'AC1', name: sid, nameFolded: sid } });
});
afterAll(() => database.close());

const numbers = { direction: 'INBOUND', from: 'anna@user.example', to: '+15550100', body: 'Hello', lane: 'lane' } as const;
/** Accepts a message as a request does, with a Sql of its own. */
const accept = (enterpriseSid: string, accountSid: string) =>
  acceptMessage(turns('OR1'), { organizationSid: 'OR1', enterpriseSid, mappingSid: null, accountSid, ...numbers });
const pairs = async () =>
  (await database.prisma.messageAccount.findMany({ orderBy: [{ enterpriseSid: 'asc' }, { accountSid: 'asc' }] })).map(
    ({ enterpriseSid, accountSid }) => `${enterpriseSid} ${accountSid}`,
  );

test('each account is noted with its first message of an enterprise, next to accounts that are noted already', async () => {
  for (let time = 1; time <= 2; time += 1) expect(await accept('EN1', 'AC1')).toMatchObject({ enterpriseSid: 'EN1', accountSid: 'AC1' });
  expect(await pairs()).toEqual(['EN1 AC1']);
  await Promise.all([accept('EN1', 'AC1'), accept('EN1', 'AC2'), accept('EN1', 'AC1'), accept('EN2', 'AC1'), accept('EN2', 'AC1')]);
  expect(await pairs()).toEqual(['EN1 AC1', 'EN1 AC2', 'EN2 AC1']);
  expect(await database.prisma.message.count()).toBe(7);
});

test('an account is noted once in a process, so that its further messages cost nothing', async () => {
  await accept('EN2', 'AC2');
  expect(await pairs()).toContain('EN2 AC2');
  await database.prisma.messageAccount.deleteMany({ where: { enterpriseSid: 'EN2', accountSid: 'AC2' } });
  expect(await accept('EN2', 'AC2')).toBeDefined();
  expect(await pairs()).not.toContain('EN2 AC2');
});
