import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, inject, test } from 'vitest';
import { connect } from '../../src/database/connect.ts';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';
import { expectAllArrived, sendDuring } from './acknowledged.ts';
import { SEND } from './doors.ts';

// A PostgreSQL of the test's own crashes while messages move. What was acknowledged is stored and arrives; nothing arrives twice without its mark.

const isOnPostgres = inject('postgres') !== undefined;
let cluster: TestCluster | undefined;
let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  cluster = isOnPostgres ? await startCluster(220) : undefined;
  if (!cluster) return;
  const log = pino({ level: 'silent' });
  const database = await connect({ dataDir: '', databaseUrl: cluster.url, log, requestTimeoutMs: 3000 });
  await migrate(database.pool, MIGRATIONS);
  exchange = await createTestExchange({ database, access: { limits: { requestTimeoutMs: 3000 } } });
  customer = await exchange.customer();
}, 60_000);
afterAll(async () => {
  if (!cluster) return;
  await exchange.close();
  await cluster.close();
});

/** Ends one of the gateway's backends: PostgreSQL then ends all others, and recovers. */
async function killBackend(): Promise<void> {
  const client = new pg.Client(cluster?.url);
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'teams-sms-gateway' AND query LIKE '%message%' LIMIT 1`,
  );
  const ended = new Promise<void>((resolve) => client.on('end', () => resolve()));
  process.kill(rows[0].pid, 'SIGKILL');
  await ended;
}

test.for<[string, () => Promise<void>]>([
  ['a backend is killed', killBackend],
  [
    'the server crashes, and is started again',
    async () => {
      await cluster?.crash();
      await cluster?.start();
    },
  ],
  ['the server is restarted', async () => cluster?.restart()],
  [
    'its disk is full, until there is room',
    async () => {
      const { directory, start } = cluster as TestCluster;
      const filler = join(directory, 'filler');
      const isFull = () =>
        appendFile(filler, Buffer.alloc(1024 * 1024)).then(
          () => false,
          ({ code }) => code === 'ENOSPC',
        );
      while (!(await isFull()));
      await until(
        async () =>
          (await customer.provider.graph(SEND, { input: { mappingSid: customer.mappingSid, to: '+49309', body: 'No room' } })).status ===
          503,
      );
      await rm(filler);
      // Where it can no longer write its log, it ends.
      await start();
    },
  ],
])(
  'while messages move, %s: none is lost, none arrives twice without its mark',
  { timeout: 60_000 },
  async ([name, disturbance], { skip }) => {
    if (!cluster) return skip();
    const place = { exchange, customer };
    await expectAllArrived(place, name, await sendDuring(place, name, disturbance));
  },
);
