import { expect, test } from 'vitest';
import { createStatementTurns } from '../../src/admission/statements.ts';
import type { Sql } from '../../src/database/sql.ts';

/** A database whose statements end when the test says so. */
function waiting() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (text: string) => {
    begun.push(text);
    return new Promise<never[]>((resolve) => ends.set(text, () => resolve([])));
  };
  const sql = { query: run, read: run, bounds: { page: 1, count: 2 } } as unknown as Sql;
  return { sql, begun, end: (text: string) => ends.get(text)?.() };
}

test('an organization has three statements under way, whoever of it asks, and one while another organization is active', async () => {
  const { sql, begun, end } = waiting();
  const sqlOf = createStatementTurns(sql, 60_000);
  const [admin, account, other] = [sqlOf('OR1'), sqlOf('OR1'), () => sqlOf('OR2')];
  const answers = [1, 2, 3, 4, 5].map((n) => (n % 2 ? admin.query : account.read)(`a${n}`, []));
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

test('a statement that has waited longer than its request may take is not run', async () => {
  const { sql, begun, end } = waiting();
  const { query } = createStatementTurns(sql, -1)('OR1');
  await expect(query('a1', [])).rejects.toThrow('timeout exceeded');
  expect(begun).toEqual([]);
  const patient = createStatementTurns(sql, 60_000)('OR1').query('a2', []);
  end('a2');
  expect(await patient).toEqual([]);
});

test('keeps the bounds of lists', () => {
  expect(createStatementTurns(waiting().sql, 1)('OR1').bounds).toEqual({ page: 1, count: 2 });
});
