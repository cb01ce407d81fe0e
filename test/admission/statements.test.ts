import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { ClientInterest } from '../../src/admission/client-interest.ts';
import { createStatementTurns } from '../../src/admission/statements.ts';
import { LostInterestError } from '../../src/database/interest.ts';
import type { Sql } from '../../src/database/sql.ts';

/** A database whose statements end when the test says so. */
function waiting() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (text: string) => {
    begun.push(text);
    return new Promise<never[]>((resolve) => ends.set(text, () => resolve([])));
  };
  const sql = { query: run, queryBriefly: run, read: run, bounds: { page: 1, count: 2 } } as unknown as Sql;
  return { sql, begun, end: (text: string) => ends.get(text)?.() };
}

/** A client's connection, which closes when the test says so. */
class FakeConnection extends EventEmitter {
  destroyed = false;

  close(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

test('an organization has three statements under way for all its callers together, and one while another organization is active', async () => {
  const { sql, begun, end } = waiting();
  const sqlOf = createStatementTurns(sql);
  const [admin, account, other] = [sqlOf('OR1'), sqlOf('OR1'), () => sqlOf('OR2')];
  const answers = [1, 2, 3, 4, 5].map((n) =>
    n === 3 ? admin.queryBriefly(`a${n}`, []) : n % 2 ? admin.query(`a${n}`, []) : account.read(`a${n}`, []),
  );
  expect(begun).toEqual(['a1', 'a2', 'a3']);
  const answer = other().query('b1', []);
  expect(begun.slice(3)).toEqual(['b1']);
  end('a1');
  await answers[0];
  // Two still run, while one may.
  expect(begun.slice(4)).toEqual([]);
  end('b1');
  await answer;
  end('a2');
  end('a3');
  await expect.poll(() => begun.slice(4), { interval: 1 }).toEqual(['a4']);
  end('a4');
  await expect.poll(() => begun.slice(5), { interval: 1 }).toEqual(['a5']);
  end('a5');
  await Promise.all(answers);
});

test.for<[string, (connection: FakeConnection, interest: ClientInterest) => void]>([
  ['whose client has gone', (connection) => connection.close()],
  ['whose request has timed out', (_, interest) => interest.timeOut()],
])('statements %s and that still wait are not begun; those of others are', async ([_, lose]) => {
  const { sql, begun, end } = waiting();
  const sqlOf = createStatementTurns(sql);
  const connection = new FakeConnection();
  const interest = new ClientInterest(connection);
  const [own, others] = [sqlOf('OR1', interest), sqlOf('OR1', new ClientInterest(new FakeConnection()))];
  const answers = [1, 2, 3, 4, 5].map((n) => own.query(`a${n}`, []));
  const other = others.query('b1', []);
  expect(begun).toEqual(['a1', 'a2', 'a3']);
  const outcomes = Promise.allSettled(answers);
  lose(connection, interest);
  for (const text of ['a1', 'a2', 'a3']) end(text);
  await expect.poll(() => begun.slice(3), { interval: 1 }).toEqual(['b1']);
  end('b1');
  expect(await other).toEqual([]);
  expect((await outcomes).slice(3)).toEqual([4, 5].map(() => ({ status: 'rejected', reason: expect.any(LostInterestError) })));
});

test('lost interest is reported once, to listeners that remain, at the latest with the answer, and never after a change has begun', () => {
  const told: string[] = [];
  const lose = (prepare: (interest: ClientInterest) => void) => {
    const connection = new FakeConnection();
    const interest = new ClientInterest(connection);
    prepare(interest);
    connection.close();
    return [interest.isLost(), told.splice(0), connection.listenerCount('close')];
  };
  const tell = (what: string) => () => told.push(what);
  expect(
    lose((interest) => {
      interest.onLost(tell('first'));
      interest.onLost(tell('second'))();
    }),
  ).toEqual([true, ['first'], 0]);
  expect(
    lose((interest) => {
      interest.onLost(tell('ended'));
      interest.end();
    }),
  ).toEqual([true, ['ended'], 0]);
  expect(
    lose((interest) => {
      interest.keep();
      interest.onLost(tell('kept'));
    }),
  ).toEqual([false, [], 0]);
});

test('the client of a Request goes when its signal is aborted', () => {
  const controller = new AbortController();
  const interest = new ClientInterest(controller.signal);
  let told = 0;
  interest.onLost(() => {
    told += 1;
  });
  expect(interest.isLost()).toBe(false);
  controller.abort();
  expect([interest.isLost(), told]).toEqual([true, 1]);
});

test('keeps the bounds of lists', () => {
  expect(createStatementTurns(waiting().sql)('OR1').bounds).toEqual({ page: 1, count: 2 });
});
