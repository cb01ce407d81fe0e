import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect } from '../../src/database/connect.ts';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import { reconcileStatuses } from '../../src/exchange/restcomm/reconciler.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';
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

/** Sends texts for a while, several at once. @returns those that were acknowledged, by their text */
async function sendDuring(name: string, disturbance: () => Promise<void>): Promise<Map<string, string>> {
  const acknowledged = new Map<string, string>();
  let isOver = false;
  const sender = async (number: number) => {
    for (let n = 0; !isOver; n += 1) {
      const body = `${name} ${number} ${n}`;
      const input = { mappingSid: customer.mappingSid, to: `+49301${number}`, body };
      const { data } = await customer.provider.graph(SEND, { input });
      const sid = data?.result?.sentMessage?.sid;
      if (sid) acknowledged.set(body, sid);
      // Not so fast that what is sent waits for long, nor what is refused is sent again and again.
      await delay(20);
    }
  };
  const senders = Promise.all([1, 2, 3, 4].map(sender));
  const goesOn = (count: number) => until(async () => acknowledged.size >= count);
  try {
    await goesOn(20);
    await disturbance();
    await goesOn(acknowledged.size + 20);
  } finally {
    isOver = true;
    await senders;
  }
  return acknowledged;
}

/** Each that was acknowledged is stored and arrives; each that arrived twice says so. */
async function expectAllArrived(name: string, acknowledged: ReadonlyMap<string, string>): Promise<void> {
  const { prisma } = exchange.gateway;
  const where = { body: { startsWith: `${name} ` } };
  await until(async () => {
    // For the reports that came while nothing could be stored: Restcomm sends each once.
    await reconcileStatuses(exchange.gateway, { quietMs: 0 });
    return (await prisma.message.count({ where: { ...where, channelStatus: { not: 'DELIVERED' } } })) === 0;
  });
  const stored = await prisma.message.findMany({ where });
  const byBody = new Map(stored.map((message) => [message.body, message]));
  expect(byBody.size).toBe(stored.length);
  for (const [body, sid] of acknowledged) expect([body, byBody.get(body)?.sid]).toEqual([body, sid]);
  for (const { body, possiblyDuplicated } of stored) {
    const sent = exchange.restcomm.messages.filter((sms) => sms.body === body).length;
    expect([body, sent > 0, sent === 1 || possiblyDuplicated]).toEqual([body, true, true]);
  }
  const { rows } = await exchange.database.pool.query(
    'SELECT count(*) = max(seq) AND (SELECT seq FROM event_head WHERE organization_sid = $1) = max(seq) AS "isGapless" FROM message_event WHERE organization_sid = $1',
    [customer.provider.organizationSid],
  );
  expect(rows).toEqual([{ isGapless: true }]);
}

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
    const acknowledged = await sendDuring(name, disturbance);
    await expectAllArrived(name, acknowledged);
  },
);
