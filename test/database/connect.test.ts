import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type Database } from '../../src/database/connect.ts';
import { ConnectionError } from '../../src/database/postgres/postgres.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  const started = performance.now();
  database = await createTestDatabase();
  console.log(`test database (${database.kind}) in ${Math.round(performance.now() - started)} ms`);
});
afterAll(() => database.close());

test('a connected, migrated database is ready', async () => {
  expect(await database.ready()).toBe(true);
});

test('Prisma reads rows that the pool wrote', async () => {
  await database.pool.query("INSERT INTO organization (sid, name) VALUES ('OR1', 'Provider')");
  expect(await database.prisma.organization.findMany()).toMatchObject([{ sid: 'OR1', name: 'Provider' }]);
});

test('an interactive transaction that throws writes nothing', async () => {
  const failed = database.prisma.$transaction(async (tx) => {
    await tx.organization.create({ data: { sid: 'OR2', name: 'Never' } });
    throw new Error('on purpose');
  });
  await expect(failed).rejects.toThrow('on purpose');
  expect(await database.prisma.organization.count({ where: { sid: 'OR2' } })).toBe(0);
});

test('concurrent transactions and queries wait for their turn', async () => {
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      database.prisma.$transaction(
        async (tx) => {
          await tx.organization.create({ data: { sid: `ORC${index}`, name: 'Concurrent' } });
          await tx.organization.update({ where: { sid: `ORC${index}` }, data: { name: `Concurrent ${index}` } });
        },
        { maxWait: 10_000 },
      ),
    ),
  );
  expect(await database.prisma.organization.count({ where: { name: { startsWith: 'Concurrent ' } } })).toBe(20);
});

test('a database without one of the migrations is not ready', async () => {
  await database.pool.query('UPDATE _prisma_migrations SET rolled_back_at = now()');
  expect(await database.ready()).toBe(false);
  await database.pool.query('UPDATE _prisma_migrations SET rolled_back_at = NULL');
});

test('the error for an unreachable PostgreSQL does not contain its password', async () => {
  const databaseUrl = 'postgresql://gateway:hidden@127.0.0.1:1/sms';
  const refused = connect({ dataDir: '', databaseUrl, log: pino({ level: 'silent' }), patience: 300 });
  await expect(refused).rejects.toThrow(ConnectionError);
  await expect(refused).rejects.toThrow(/^Cannot reach the database sms at 127\.0\.0\.1:1 \(DATABASE_URL\): connect ECONNREFUSED/);
  await expect(refused).rejects.not.toThrow(/hidden/);
});
