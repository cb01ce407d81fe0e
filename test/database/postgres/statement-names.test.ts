import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Database } from '../../../src/database/connect.ts';
import { MAX_PREPARED, statementNames } from '../../../src/database/postgres/statement-names.ts';
import { createTestDatabase } from '../../support/database.ts';

test('a statement gets a name when it is used again, always the same; statements that are used only once take no place', () => {
  const nameOf = statementNames();
  expect([nameOf('hot'), nameOf('hot')]).toEqual(['', expect.stringMatching(/^gateway_[0-9a-f]{32}$/)]);
  const name = nameOf('hot');
  for (let number = 0; number < 5000; number += 1) {
    expect(nameOf(`once ${number}`)).toBe('');
    if (number % 100 === 0) expect(nameOf('hot')).toBe(name);
  }
  for (let number = 5000; number < 7000; number += 1) nameOf(`once ${number}`);
  // Forgotten, as all that was not asked for long is: nothing grows without end.
  expect([nameOf('once 0'), nameOf('hot'), nameOf('hot')]).toEqual(['', '', name]);
});

// The embedded database has one connection for everybody, on which nothing is prepared.
describe.skipIf(!inject('postgres'))('any number of different statements', () => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.close());

  /** A statement is prepared from its second time on. */
  const askTwice = async (number: number) => {
    await ask(number);
    await ask(number);
  };
  const ask = async (number: number) => {
    const rows = await database.sql.query<{ given: number }>(`SELECT $1::int + ${number} AS given`, [number]);
    expect(rows).toEqual([{ given: 2 * number }]);
  };
  /** Of the connection that comes next. */
  const prepared = async (number: number) => {
    const text = 'SELECT count(*)::int AS count, count(*) FILTER (WHERE statement LIKE $1)::int AS mine FROM pg_prepared_statements';
    const [row] = await database.sql.query<{ count: number; mine: number }>(text, [`%+ ${number} AS given`]);
    return row;
  };

  test('is prepared, the last like the first, within a bound for each connection', async () => {
    let most = 0;
    for (let number = 0; number < 3 * MAX_PREPARED; number += 1) {
      await askTwice(number);
      if (number % 50 !== 1) continue;
      const { count, mine } = (await prepared(number)) as { count: number; mine: number };
      // Nothing at the moment at which its connection was replaced.
      expect(mine).toBe(count > 1 ? 1 : 0);
      most = Math.max(most, count);
    }
    expect(most).toBeGreaterThan(MAX_PREPARED / 2);
    expect(most).toBeLessThanOrEqual(MAX_PREPARED);
  });

  test('is answered while others are in progress and transactions are open', async () => {
    const numbers = Array.from({ length: 2 * MAX_PREPARED }, (_, index) => 10_000 + index);
    const inTransaction = database.prisma.$transaction(
      async (tx) => {
        for (const number of numbers) await tx.$queryRawUnsafe(`SELECT $1::int + ${number} AS given`, 1);
        return tx.$queryRawUnsafe('SELECT 1 AS one');
      },
      { maxWait: 60_000, timeout: 60_000 },
    );
    await Promise.all(numbers.map(askTwice));
    expect(await inTransaction).toEqual([{ one: 1 }]);
    await ask(1);
  });
});
