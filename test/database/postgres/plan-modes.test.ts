import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Database } from '../../../src/database/connect.ts';
import type { Caller } from '../../../src/domain/caller.ts';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { listMessages } from '../../../src/domain/messages/messages.ts';
import { createTestDatabase } from '../../support/database.ts';

// PostgreSQL plans a prepared statement for all values alike after five runs, if that seems as good. Which statements it may do that with is decided by
// pool, not by its estimates. The embedded database prepares nothing.

interface Plans {
  readonly statement: string;
  readonly custom_plans: string;
  readonly generic_plans: string;
}

describe.skipIf(!inject('postgres'))('after twenty runs', () => {
  let database: Database;
  let gateway: Pick<Gateway, 'sql'>;
  let caller: Caller;
  beforeAll(async () => {
    database = await createTestDatabase();
    gateway = { sql: database.sql };
    caller = { organizationSid: 'OR1', permissions: new Set() } as unknown as Caller;
  });
  afterAll(() => database.close());

  const plansOf = async (ask: (text: string) => Promise<unknown[]>, part: string) => {
    const plans = (await ask('SELECT statement, custom_plans, generic_plans FROM pg_prepared_statements')) as Plans[];
    return plans.filter(({ statement }) => statement.includes(part));
  };

  test('a filtered list still has a plan for its own values', async () => {
    for (let run = 0; run < 20; run += 1) await listMessages(gateway as Gateway, caller, { from: `+49151${run}` });
    const plans = await plansOf(async (text) => (await database.pool.query(text)).rows, 'LIKE');
    expect(plans).toHaveLength(1);
    expect(plans.map(({ generic_plans }) => Number(generic_plans))).toEqual([0]);
    expect(Number(plans[0]?.custom_plans)).toBeGreaterThan(10);
  });

  test('so has a statement of Prisma’s', async () => {
    for (let run = 0; run < 20; run += 1) await database.prisma.message.findMany({ where: { organizationSid: `OR${run}` }, take: 10 });
    const plans = await plansOf(async (text) => (await database.pool.query(text)).rows, '"public"."message"');
    expect(plans.length).toBeGreaterThan(0);
    for (const { generic_plans } of plans) expect(Number(generic_plans)).toBe(0);
  });

  test('no statement is compiled, whatever number of rows its plan expects', async () => {
    const ask = (query: Database['sql']['query']) => query<{ jit: string }>(`SELECT current_setting('jit') AS jit`, []);
    const { query, read, queryAsWritten } = database.sql;
    expect(await Promise.all([query, read, queryAsWritten].map(ask))).toEqual(Array(3).fill([{ jit: 'off' }]));
  });

  test('a list that an index leads to, whatever its values, is planned once', async () => {
    // One connection of two: the first one that is free.
    for (let run = 0; run < 20; run += 1) await listMessages(gateway as Gateway, caller, {}, { field: 'FROM', direction: 'DESC' });
    const plans = await plansOf((text) => database.sql.read(text, []), 'from_folded');
    expect(plans.length).toBeGreaterThan(0);
    for (const { custom_plans } of plans) expect(Number(custom_plans)).toBe(0);
  });
});
