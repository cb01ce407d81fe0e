import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { createWriteTogether } from '../../../src/database/batches/write-together.ts';
import type { Database } from '../../../src/database/connect.ts';
import type { Sql } from '../../../src/database/sql.ts';
import { isUnavailable } from '../../../src/database/unavailable.ts';
import { acceptMessage, type NewMessage } from '../../../src/domain/messages/message-log.ts';
import { inTransaction } from '../../../src/domain/transaction.ts';
import { fill } from '../../database/lists/hostile-rows.ts';
import { createTestDatabase } from '../../support/database.ts';

/** How long a message waits for those before it. */
const PATIENCE_MS = 10_000;

let database: Database;
let sql: Sql;
/** How many messages each of the statements was for that stored some. */
let stored: number[];
/** Called with the number of each of these statements, from 1 on, when it has come about. */
let afterwards: (statement: number) => void;
beforeAll(async () => {
  database = await createTestDatabase();
  await fill(database);
  const { query } = database.sql;
  const write: Sql['query'] = async (text, values) => {
    const statement = stored.push((values[0] as unknown[]).length);
    const rows = await query(text, values);
    afterwards(statement);
    return rows as never[];
  };
  sql = { ...database.sql, writeTogether: createWriteTogether(write, PATIENCE_MS) };
});
beforeEach(() => {
  stored = [];
  afterwards = () => {};
});
afterAll(() => database.close());

const message = (body: string, change: Partial<NewMessage> = {}): NewMessage => ({
  ...{ organizationSid: 'OR1', enterpriseSid: 'EN1', mappingSid: null, accountSid: 'AC1', direction: 'INBOUND' },
  ...{ from: 'Ann@Customer.example', to: '+15550100', body, lane: `lane ${body.length % 3}` },
  ...change,
});
const ofOther = { organizationSid: 'OR2', enterpriseSid: 'EN4', accountSid: 'AC2' };
const sender = (organizationSid: string) => ({ organizationSid, accountSid: 'AC1', requestId: 'request', remoteAddress: '192.0.2.1' });

/** What is stored of these messages, in the order of the log. */
const log = (sids: readonly string[]) =>
  database.sql.query<{ sid: string; organization: string; seq: number; place: string; lane: string; records: number }>(
    `SELECT m.sid, m.organization_sid AS organization, e.seq::int AS seq, o.seq AS place, o.lane,
       (SELECT count(*)::int FROM audit_log WHERE target_sid = m.sid AND request_id = 'request') AS records
     FROM message m JOIN message_event e ON e.message_sid = m.sid JOIN outbox o ON o.message_sid = m.sid JOIN outbox_lane l ON l.lane = o.lane
     WHERE m.sid = ANY($1) ORDER BY m.organization_sid, e.seq`,
    [sids],
  );

describe('messages that are accepted at the same time', () => {
  test('are stored by few statements, each with its event, its place in the outbox and its audit record, in order of arrival', async () => {
    const asked = Array.from({ length: 40 }, (_, index) => message('x'.repeat(index + 1), index % 4 === 0 ? ofOther : {}));
    const answers = await Promise.all(asked.map((one) => acceptMessage(sql, one, sender(one.organizationSid))));
    expect(stored).toEqual([10, 30]);
    expect(answers.map((answer) => answer?.body)).toEqual(asked.map(({ body }) => body));
    for (const [index, answer] of answers.entries()) {
      expect(answer).toEqual(await database.prisma.message.findUniqueOrThrow({ where: { sid: answer?.sid } }));
      expect(answer).toMatchObject({ fromFolded: 'ann@customer.example', organizationSid: asked[index]?.organizationSid });
    }
    const rows = await log(answers.map((answer) => answer?.sid ?? ''));
    for (const organization of ['OR1', 'OR2']) {
      const own = rows.filter((row) => row.organization === organization);
      const sids = answers.filter((answer) => answer?.organizationSid === organization).map((answer) => answer?.sid);
      expect(own.map(({ sid }) => sid)).toEqual(sids);
      expect(own.map(({ seq }) => seq - (own[0]?.seq ?? 0))).toEqual(own.map((_, place) => place));
      expect(own.every(({ records }) => records === 1)).toBe(true);
      const places = own.map(({ place }) => BigInt(place));
      expect(places).toEqual([...places].sort((a, b) => Number(a - b)));
    }
  });

  test('fail alone if one of them cannot be stored', async () => {
    const asked = [message('one'), message('of no mapping', { mappingSid: 'BE9' }), message('two')];
    const outcomes = await Promise.allSettled(asked.map((one) => acceptMessage(sql, one)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(stored).toEqual([3, 1, 1, 1]);
    expect(await database.prisma.message.count({ where: { body: { in: ['one', 'two'] } } })).toBe(2);
    expect(await database.prisma.message.count({ where: { body: 'of no mapping' } })).toBe(0);
  });

  test('are stored once if the platform reports one several times', async () => {
    const told = message('told twice', { direction: 'OUTBOUND', restcommMessageSid: 'SM1', mediaUrls: ['https://media.example/1', 'b'] });
    const answers = await Promise.all([told, told, message('another'), told].map((one) => acceptMessage(sql, one)));
    expect(answers.map((answer) => answer?.body)).toEqual(['told twice', undefined, 'another', undefined]);
    expect(answers[0]).toMatchObject({ type: 'MMS', mediaUrls: ['https://media.example/1', 'b'] });
    expect(await acceptMessage(sql, told)).toBeUndefined();
    expect(await log([answers[0]?.sid ?? '', answers[2]?.sid ?? ''])).toHaveLength(2);
  });

  test('are not stored again if the outcome is unknown', async () => {
    afterwards = (statement) => {
      if (statement === 1) throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    };
    const asked = ['lost', 'lost', 'lost'].map((body) => acceptMessage(sql, message(body)));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(stored).toEqual([3]);
    expect(await database.prisma.message.count({ where: { body: 'lost' } })).toBe(3);
  });

  test('are refused if they waited too long for those before them', async () => {
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const hangs: Sql['query'] = async (text, values) => {
      stored.push((values[0] as unknown[]).length);
      await held;
      return database.sql.query(text, values);
    };
    const slow: Sql = { ...database.sql, writeTogether: createWriteTogether(hangs, PATIENCE_MS) };
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      // Two statements may be under way.
      const first = [acceptMessage(slow, message('first'))];
      await vi.waitFor(() => expect(stored).toHaveLength(1));
      first.push(acceptMessage(slow, message('first')));
      await vi.waitFor(() => expect(stored).toHaveLength(2));
      const late = Promise.allSettled([acceptMessage(slow, message('late')), acceptMessage(slow, message('late'))]);
      vi.advanceTimersByTime(PATIENCE_MS + 1);
      const soon = acceptMessage(slow, message('soon'));
      goOn();
      expect((await Promise.all(first)).map((answer) => answer?.body)).toEqual(['first', 'first']);
      const reasons = (await late).map((outcome) => outcome.status === 'rejected' && isUnavailable(outcome.reason));
      expect(reasons).toEqual([true, true]);
      expect((await soon)?.body).toBe('soon');
    } finally {
      vi.useRealTimers();
    }
    expect(await database.prisma.message.count({ where: { body: 'late' } })).toBe(0);
  });

  // Embedded there is one connection.
  describe.skipIf(!inject('postgres'))('over several connections', () => {
    const waiting = async () => {
      const text = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      return (await database.sql.query<{ count: number }>(text, []))[0]?.count;
    };

    test('wait for a locked lane, but do not delay messages of another lane', async () => {
      await acceptMessage(sql, message('first', { lane: 'held' }));
      let behind: ReturnType<typeof acceptMessage> | undefined;
      await inTransaction(database.prisma, async (tx) => {
        await tx.$queryRaw`SELECT lane FROM outbox_lane WHERE lane = 'held' FOR UPDATE`;
        behind = acceptMessage(sql, message('behind', { lane: 'held' }));
        await vi.waitFor(async () => expect(await waiting()).toBe(1));
        expect(await acceptMessage(sql, message('beside', { lane: 'free' }))).toMatchObject({ body: 'beside' });
      });
      expect(await behind).toMatchObject({ body: 'behind' });
    });

    test('never deadlock, in whatever order a platform reports them to two instances', async () => {
      const { query } = database.sql;
      const others: Sql = { ...database.sql, writeTogether: createWriteTogether(query, PATIENCE_MS) };
      const deadlocks = async () => {
        await query('SELECT pg_stat_clear_snapshot()', []);
        const text = 'SELECT deadlocks::int AS count FROM pg_stat_database WHERE datname = current_database()';
        return (await query<{ count: number }>(text, []))[0]?.count;
      };
      for (let round = 0; round < 10; round += 1) {
        const told = Array.from({ length: 100 }, (_, index) =>
          message(`round ${round}`, { direction: 'OUTBOUND', restcommMessageSid: `SM${round}-${index}`, lane: `lane ${index}` }),
        );
        const asked = [...told.map((one) => acceptMessage(sql, one)), ...told.toReversed().map((one) => acceptMessage(others, one))];
        expect((await Promise.all(asked)).filter((answer) => answer !== undefined)).toHaveLength(100);
      }
      expect(await deadlocks()).toBe(0);
    });
  });
});
