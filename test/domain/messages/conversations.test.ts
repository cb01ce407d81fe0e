import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import type { ChannelStatus, Conversation, Message, PrismaClient } from '../../../prisma/client/client.ts';
import type { Database } from '../../../src/database/connect.ts';
import { conversationSidOf } from '../../../src/domain/messages/conversations.ts';
import { fillConversations } from '../../../src/domain/messages/fill-conversations.ts';
import { acceptMessage, type NewMessage } from '../../../src/domain/messages/message-log.ts';
import { statusRank } from '../../../src/domain/messages/message-status.ts';
import { reportStatus } from '../../../src/domain/messages/status-reports.ts';
import { newSid } from '../../../src/domain/values/sid.ts';
import { createTestDatabase } from '../../support/database.ts';

// Conversations are kept by whatever changes messages, and are always what the messages say.

const ENTERPRISES = ['EN1', 'EN2'] as const;
const MAPPINGS = ['BE1', 'BE2'] as const;
const PHONES = ['+15550100', '15550101', 'AMAZON'] as const;
const FAILURES: readonly ChannelStatus[] = ['FAILED', 'UNDELIVERED'];

let database: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  const { prisma } = database;
  const digest = { tokenDigest: new Uint8Array(32), tokenKeyId: 'key' };
  await prisma.organization.create({ data: { sid: 'OR1', name: 'One' } });
  await prisma.account.create({ data: { sid: 'AC1', organizationSid: 'OR1', email: 'a@b.example', friendlyName: 'a', ...digest } });
  for (const sid of ENTERPRISES)
    await prisma.enterprise.create({ data: { sid, organizationSid: 'OR1', accountSid: 'AC1', name: sid, nameFolded: sid } });
});
beforeEach(async () => {
  await database.pool.query('TRUNCATE message CASCADE; DELETE FROM outbox_lane; DELETE FROM mapping');
  for (const sid of MAPPINGS) await createMapping(sid);
});
afterAll(() => database.close());

async function createMapping(sid: string): Promise<void> {
  const externalDigits = sid.replace('BE', '4930000000');
  const address = { microsoftAddress: `${sid}@e.example`, microsoftAddressFolded: `${sid}@e.example`, microsoftDomain: 'e.example' };
  const owner = { organizationSid: 'OR1', enterpriseSid: 'EN1', accountSid: 'AC1' };
  await database.prisma.mapping.create({
    data: { sid, name: sid, nameFolded: sid, externalAddress: `+${externalDigits}`, externalDigits, ...address, ...owner },
  });
}

/** Makes the conversations of messages from before, and tells what it logs. */
async function fill({ prisma = database.prisma, signal }: { prisma?: PrismaClient; signal?: AbortSignal } = {}) {
  const logged: { mappingSid?: string }[] = [];
  const log = pino({ level: 'error' }, { write: (line) => void logged.push(JSON.parse(line)) });
  return { done: await fillConversations({ prisma, log }, signal), logged };
}

const between = (mappingSid: string, phone: string, direction: 'INBOUND' | 'OUTBOUND', body = 'Hello'): NewMessage => ({
  ...{ organizationSid: 'OR1', enterpriseSid: 'EN1', mappingSid, accountSid: 'AC1', direction, body },
  ...(direction === 'INBOUND' ? { from: `${mappingSid}@e.example`, to: phone } : { from: phone, to: `${mappingSid}@e.example` }),
  lane: `${direction} ${mappingSid} ${phone}`,
});

/** What the messages say. */
async function told(): Promise<Partial<Conversation>[]> {
  const messages = await database.prisma.message.findMany({ where: { mappingSid: { not: null } } });
  const bySid = grouped(messages);
  const conversations = [...bySid].map(([sid, own]): Partial<Conversation> => {
    const inOrder = own.sort((a, b) => a.dateCreated.getTime() - b.dateCreated.getTime() || (a.sid < b.sid ? -1 : 1));
    const last = inOrder.at(-1) as Message;
    const of = (direction: string) => inOrder.filter((message) => message.direction === direction);
    const answered = of('INBOUND').at(-1)?.dateCreated ?? null;
    return {
      ...{ sid, organizationSid: 'OR1', enterpriseSid: last.enterpriseSid, mappingSid: last.mappingSid as string },
      ...{ phone: last.direction === 'INBOUND' ? last.to : last.from, lastMessageSid: last.sid, lastMessageDate: last.dateCreated },
      phoneFolded: last.direction === 'INBOUND' ? last.toFolded : last.fromFolded,
      messagesFromPhone: of('OUTBOUND').length,
      messagesFromTeams: of('INBOUND').length,
      messagesFailed: own.filter(({ channelStatus }) => FAILURES.includes(channelStatus)).length,
      lastFromPhone: of('OUTBOUND').at(-1)?.dateCreated ?? null,
      lastFromTeams: answered,
      unansweredSince: of('OUTBOUND').find(({ dateCreated }) => !answered || dateCreated > answered)?.dateCreated ?? null,
      dateCreated: inOrder[0]?.dateCreated as Date,
    };
  });
  return conversations.sort((a, b) => ((a.sid as string) < (b.sid as string) ? -1 : 1));
}

function grouped(messages: Message[]): Map<string, Message[]> {
  const groups = new Map<string, Message[]>();
  for (const message of messages) {
    const sid = conversationSidOf(message) as string;
    groups.set(sid, [...(groups.get(sid) ?? []), message]);
  }
  return groups;
}

const kept = () => database.prisma.conversation.findMany({ orderBy: { sid: 'asc' } });

describe('a conversation', () => {
  test('is one for each mapping and phone, in whatever form its number is written, and names', async () => {
    for (const phone of ['+1 (555) 010-0199', '0015550100199', 'tel:+15550100199'])
      await acceptMessage(database.sql, between('BE1', phone, 'OUTBOUND'));
    for (const name of ['AMAZON', 'Amazon']) await acceptMessage(database.sql, between('BE1', name, 'OUTBOUND'));
    await acceptMessage(database.sql, between('BE2', 'AMAZON', 'OUTBOUND'));
    const found = (await kept()).map(({ mappingSid, phone, phoneFolded, messagesFromPhone }) => [
      mappingSid,
      phoneFolded,
      phone,
      messagesFromPhone,
    ]);
    expect(found.sort()).toEqual([
      ['BE1', '15550100199', 'tel:+15550100199', 3],
      ['BE1', 'amazon', 'Amazon', 2],
      ['BE2', 'amazon', 'AMAZON', 1],
    ]);
    expect(await kept()).toEqual(await told());
  });

  test('has no message without a mapping', async () => {
    const stored = await acceptMessage(database.sql, { ...between('BE1', '+15550100', 'OUTBOUND'), mappingSid: null });
    expect(stored && conversationSidOf(stored)).toBeNull();
    expect(await kept()).toEqual([]);
  });

  test('waits for an answer since the first message from the phone that is not followed by one from Teams', async () => {
    const waits = async () => (await kept())[0]?.unansweredSince;
    const first = await acceptMessage(database.sql, between('BE1', '+15550100', 'OUTBOUND'));
    expect(await waits()).toEqual(first?.dateCreated);
    await acceptMessage(database.sql, between('BE1', '+15550100', 'OUTBOUND'));
    expect(await waits()).toEqual(first?.dateCreated);
    await acceptMessage(database.sql, between('BE1', '+15550100', 'INBOUND'));
    expect(await waits()).toBeNull();
    const next = await acceptMessage(database.sql, between('BE1', '+15550100', 'OUTBOUND'));
    expect(await waits()).toEqual(next?.dateCreated);
    expect(await kept()).toEqual(await told());
  });

  test('is another one once the mapping belongs to another enterprise', async () => {
    for (const enterpriseSid of ENTERPRISES)
      await acceptMessage(database.sql, { ...between('BE1', '+15550100', 'OUTBOUND'), enterpriseSid });
    expect((await kept()).map(({ enterpriseSid, messagesFromPhone }) => [enterpriseSid, messagesFromPhone]).sort()).toEqual([
      ['EN1', 1],
      ['EN2', 1],
    ]);
    expect(await kept()).toEqual(await told());
    await database.prisma.mapping.delete({ where: { sid: 'BE1' } });
    expect(await kept()).toEqual([]);
  });

  test('ends with its mapping, whose messages stay', async () => {
    const stored = await acceptMessage(database.sql, between('BE1', '+15550100', 'OUTBOUND'));
    await acceptMessage(database.sql, between('BE2', '+15550100', 'OUTBOUND'));
    await database.prisma.mapping.delete({ where: { sid: 'BE1' } });
    expect((await kept()).map(({ mappingSid }) => mappingSid)).toEqual(['BE2']);
    await reportStatus(database.sql, { sid: stored?.sid ?? '', organizationSid: 'OR1' }, { status: 'FAILED', errorCode: 'X' });
    expect((await kept()).map(({ messagesFailed }) => messagesFailed)).toEqual([0]);
    expect(await database.prisma.message.count()).toBe(2);
  });
});

test('many messages both ways at once, and their failures, are all counted, and nothing deadlocks', async () => {
  const accepted = await Promise.all(
    Array.from({ length: 240 }, async (_, index) => {
      const message = between(MAPPINGS[index % 2] as string, PHONES[index % 3] as string, index % 5 < 2 ? 'INBOUND' : 'OUTBOUND');
      if (index % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      const stored = (await acceptMessage(database.sql, message)) as Message;
      const report = index % 4 === 0 ? ({ status: 'FAILED', errorCode: 'X' } as const) : ({ status: 'DELIVERED' } as const);
      await reportStatus(database.sql, stored, report);
      return stored;
    }),
  );
  expect(accepted).toHaveLength(240);
  const conversations = await kept();
  expect(conversations).toEqual(await told());
  expect(conversations.reduce((sum, { messagesFailed }) => sum + messagesFailed, 0)).toBe(60);
});

/** Something that happens to messages. */
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('store' as const),
        // Of one statement. Times are few, so that messages come in any order.
        messages: fc.array(
          fc.record({
            mapping: fc.nat(MAPPINGS.length - 1),
            enterprise: fc.nat(ENTERPRISES.length - 1),
            phone: fc.nat(PHONES.length - 1),
            direction: fc.constantFrom('INBOUND' as const, 'OUTBOUND' as const),
            time: fc.nat(8),
            status: fc.constantFrom<ChannelStatus>('QUEUED', 'DELIVERED', 'FAILED'),
          }),
          { minLength: 1, maxLength: 6 },
        ),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('status' as const),
        place: fc.nat(),
        status: fc.constantFrom<ChannelStatus>('QUEUED', 'FAILED', 'UNDELIVERED', 'DELIVERED'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('delete' as const), places: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('fill' as const) }) },
  ),
  { minLength: 1, maxLength: 12 },
);

test('whatever happens to messages, their conversations are what they say', async () => {
  const { prisma, pool } = database;
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      await pool.query('TRUNCATE message CASCADE');
      for (const step of given) {
        const sids = (await prisma.message.findMany({ select: { sid: true }, orderBy: { sid: 'asc' } })).map(({ sid }) => sid);
        const at = (place: number) => sids[place % sids.length] ?? '';
        if (step.kind === 'store') {
          await prisma.message.createMany({
            data: step.messages.map(({ mapping, enterprise, phone, direction, time, status }) => {
              const { from, to, lane: _lane, ...message } = between(MAPPINGS[mapping] as string, PHONES[phone] as string, direction);
              const folded = { fromFolded: from.replace('+', '').toLowerCase(), toFolded: to.replace('+', '').toLowerCase() };
              const dateCreated = new Date(Date.UTC(2026, 0, 1, 0, 0, time));
              return {
                ...message,
                enterpriseSid: ENTERPRISES[enterprise] as string,
                phone: undefined,
                teams: undefined,
                mediaUrls: [],
                from,
                to,
                ...folded,
                sid: newSid('MS'),
                channelStatus: status,
                statusRank: statusRank(status),
                dateCreated,
              };
            }),
          });
        } else if (step.kind === 'status') {
          await prisma.message.updateMany({ where: { sid: at(step.place) }, data: { channelStatus: step.status } });
        } else if (step.kind === 'delete') {
          await prisma.message.deleteMany({ where: { sid: { in: step.places.map(at) } } });
        } else {
          await prisma.conversationFill.createMany({ data: MAPPINGS.map((mappingSid) => ({ mappingSid, organizationSid: 'OR1' })) });
          await fill();
          expect(await prisma.conversationFill.count()).toBe(0);
        }
        expect(await kept()).toEqual(await told());
      }
    }),
    { numRuns: 25 },
  );
});

test('the conversations of messages from before are made while messages go on being stored', async () => {
  const { pool, sql } = database;
  for (let index = 0; index < 60; index++) {
    await acceptMessage(sql, between(MAPPINGS[index % 2] as string, PHONES[index % 3] as string, index % 4 ? 'OUTBOUND' : 'INBOUND'));
  }
  // As if they had been stored before there were conversations.
  await pool.query(
    "DELETE FROM conversation; INSERT INTO conversation_fill SELECT sid, organization_sid FROM mapping WHERE sid LIKE 'BE_'",
  );
  const storing = Promise.all(
    Array.from({ length: 80 }, (_, index) =>
      acceptMessage(sql, between(MAPPINGS[index % 2] as string, PHONES[index % 3] as string, index % 3 ? 'OUTBOUND' : 'INBOUND')),
    ),
  );
  await Promise.all([fill(), storing]);
  const conversations = await kept();
  expect(conversations).toEqual(await told());
  expect(conversations.reduce((sum, { messagesFromPhone, messagesFromTeams }) => sum + messagesFromPhone + messagesFromTeams, 0)).toBe(140);
});

/** Stores messages as if there had been no conversations yet. */
async function storeEarlier(messages: number, phones: number): Promise<void> {
  await database.pool.query(`INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, "from", from_folded,
      "to", to_folded, channel_status, status_rank)
    SELECT mapping || 'MS' || n, 'OR1', 'EN1', mapping, 'AC1', 'OUTBOUND', n % ${phones}, n % ${phones}, 'a', 'a', 'DELIVERED', 3
    FROM generate_series(1, ${messages}) n, unnest(ARRAY['BE1', 'BE2']) mapping`);
  await database.pool.query('DELETE FROM conversation; INSERT INTO conversation_fill SELECT sid, organization_sid FROM mapping');
}
const filling = async () => (await database.prisma.conversationFill.findMany()).map(({ mappingSid }) => mappingSid);

describe('making the conversations of messages from before', () => {
  test('goes on after a mapping that fails, and tries it again next time', async () => {
    await storeEarlier(4, 2);
    await database.pool.query("ALTER TABLE conversation ADD CONSTRAINT broken CHECK (mapping_sid <> 'BE1')");
    try {
      const { done, logged } = await fill();
      expect([done, logged.map(({ mappingSid }) => mappingSid)]).toEqual([1, ['BE1']]);
      expect(await filling()).toEqual(['BE1']);
      expect((await kept()).map(({ mappingSid }) => mappingSid)).toEqual(['BE2', 'BE2']);
    } finally {
      await database.pool.query('ALTER TABLE conversation DROP CONSTRAINT broken');
    }
    expect(await fill()).toEqual({ done: 1, logged: [] });
    expect(await kept()).toEqual(await told());
  });

  test('ends between two batches, which have few messages each', async () => {
    await storeEarlier(7500, 3);
    const controller = new AbortController();
    // Of 2500 messages each, two of the three fit in a batch.
    const prisma = followed(/restore_conversations/, async () => controller.abort());
    expect(await fill({ prisma, signal: controller.signal })).toEqual({ done: 0, logged: [] });
    expect((await kept()).map(({ messagesFromPhone }) => messagesFromPhone)).toEqual([2500, 2500]);
    expect(await filling()).toEqual(['BE1', 'BE2']);
    expect((await fill()).done).toBe(2);
    expect(await kept()).toEqual(await told());
  });

  test('makes none for a mapping that is deleted meanwhile', async () => {
    await storeEarlier(2, 2);
    const deleted = followed(/FROM message WHERE mapping_sid/, () => database.prisma.mapping.deleteMany({ where: { sid: 'BE1' } }));
    expect(await fill({ prisma: deleted })).toEqual({ done: 2, logged: [] });
    expect((await kept()).map(({ mappingSid }) => mappingSid)).toEqual(['BE2', 'BE2']);
    expect(await filling()).toEqual([]);
  });

  // Embedded there is one connection.
  test.skipIf(!inject('postgres'))('holds up the deletion of its mapping, which then takes them along', async () => {
    await storeEarlier(2, 2);
    const { prisma } = database;
    let isDeleted = false;
    let deletion: Promise<unknown> | undefined;
    const followedByDeletion = followed(/restore_conversations/, async () => {
      deletion ??= prisma.mapping.deleteMany({ where: { sid: 'BE1' } }).then(() => {
        isDeleted = true;
      });
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      await vi.waitFor(async () => expect(isDeleted || (await database.pool.query(waiting)).rowCount).toBeTruthy());
    });
    expect(await fill({ prisma: followedByDeletion })).toEqual({ done: 2, logged: [] });
    await deletion;
    expect((await kept()).map(({ mappingSid }) => mappingSid)).toEqual(['BE2', 'BE2']);
  });

  test('reads only the messages of these conversations, without statistics too', async () => {
    await storeEarlier(10_000, 5000);
    const client = await database.pool.connect();
    try {
      await client.query(`DELETE FROM pg_statistic WHERE starelid IN ('message'::regclass, 'message_of_conversation'::regclass)`);
      await client.query('BEGIN');
      await client.query(`SELECT restore_conversations(ARRAY(SELECT DISTINCT
        conversation_sid('BE1', 'EN1', 'OUTBOUND', n::text, '') FROM generate_series(1, 200) n))`);
      const { rows } = await client.query(`SELECT pg_stat_get_xact_numscans('message'::regclass)::int AS whole,
        pg_stat_get_xact_tuples_fetched('message'::regclass)::int AS fetched, (SELECT count(*)::int FROM conversation) AS conversations`);
      expect(rows).toMatchObject([{ whole: 0, conversations: 200 }]);
      // Two of each, and one of each to see whether there is any left.
      expect(rows[0].fetched).toBeLessThanOrEqual(600);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});

/** A client that does something after each statement like this one, in transactions too. */
function followed(statement: RegExp, act: () => Promise<unknown>): PrismaClient {
  const after = async (sql: string, result: unknown) => {
    if (statement.test(sql)) await act();
    return result;
  };
  return database.prisma.$extends({
    query: {
      $queryRaw: async ({ args, query }) => after(args.sql, await query(args)),
      $executeRaw: async ({ args, query }) => after(args.sql, await query(args)),
    },
  }) as unknown as PrismaClient;
}
