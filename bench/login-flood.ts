// What a flood of bad passwords does to authenticated requests: their latency without it, and during it, from many addresses. `npm run bench:login`,
// on the embedded database, or on TEST_DATABASE_URL's PostgreSQL. LOGIN_FLOOD_SECONDS (10), LOGIN_FLOOD_RATE (200 passwords a second, some 20 times what one core can verify).

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { createStatementTurns } from '../src/admission/statements.ts';
import { createApp } from '../src/app.ts';
import { connect } from '../src/database/connect.ts';
import { migrate } from '../src/database/migrations.ts';
import { MIGRATIONS } from '../src/database/package-root.ts';
import { createAccount } from '../src/domain/access/accounts.ts';
import { createKeptMappings } from '../src/domain/caches/kept-mappings.ts';
import { createVerifiedCredentials } from '../src/domain/caches/verified-credentials.ts';
import { hasConsoleTab, keepConsoleTab } from '../src/domain/console-tab.ts';
import type { Gateway } from '../src/domain/gateway.ts';
import { createSecrets } from '../src/domain/secrets.ts';
import { newSid } from '../src/domain/values/sid.ts';
import { createLive } from '../src/live/live.ts';
import { createEmbeddedMicrosoft } from '../src/platforms/microsoft/embedded.ts';
import { createEmbeddedRestcomm } from '../src/platforms/restcomm/embedded.ts';
import { dropDatabase, makeDatabase } from './database.ts';

const SECONDS = Number(process.env.LOGIN_FLOOD_SECONDS ?? 10);
const RATE = Number(process.env.LOGIN_FLOOD_RATE ?? 200);

const log = pino({ level: 'silent' });
const dataDir = await mkdtemp(join(tmpdir(), 'gateway-bench-'));
const postgres = process.env.TEST_DATABASE_URL;
const name = `gateway_login_${process.pid}`;
const database = await connect({ dataDir, databaseUrl: postgres && (await makeDatabase(postgres, name)), log });
await migrate(database.pool, MIGRATIONS);
const statements = createStatementTurns(database.sql);
const live = createLive({ prisma: database.prisma, sql: database.sql, inTurn: statements, log });
const gateway: Gateway = {
  prisma: database.prisma,
  sql: database.sql,
  secrets: createSecrets(randomBytes(32)),
  verified: createVerifiedCredentials({ hears: true }),
  keptMappings: createKeptMappings({ hears: true }),
  consoleTab: keepConsoleTab({ read: () => hasConsoleTab(database.prisma), log }),
  restcomm: createEmbeddedRestcomm(),
  microsoft: createEmbeddedMicrosoft(),
  webhooks: { permits: () => false, post: async () => ({ status: null, error: 'not benched', durationMs: 0 }) },
  hints: { queued: () => {}, appended: () => {} },
  publicUrl: 'http://localhost',
  log,
};
const contract = { restTimestamps: 'iso', restBotSecrets: 'plain' } as const;
const app = createApp({ gateway, live, statements, contract, log, isReady: () => true });

const request = (user: string, password: string, remoteAddress: string) =>
  app.fetch(
    new Request('http://localhost/msteams/enterprises/search', {
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
    }),
    { remoteAddress },
  );

const owners = await Promise.all(
  Array.from({ length: 20 }, async (_, index) => {
    const issued = await createAccount(gateway, { email: `bench${index}@example.com`, organization: { name: 'Bench' } });
    return { user: issued.account.sid, password: issued.authToken };
  }),
);

/** One request of each owner every 50 ms. @returns the latencies in ms, in order */
async function measure(): Promise<number[]> {
  const latencies: number[] = [];
  const end = performance.now() + SECONDS * 1000;
  const running: Promise<void>[] = [];
  while (performance.now() < end) {
    for (const { user, password } of owners) {
      const began = performance.now();
      running.push(
        request(user, password, '192.0.2.1').then(({ status }) => {
          if (status !== 200) throw new Error(`an owner was answered ${status}`);
          latencies.push(performance.now() - began);
        }),
      );
    }
    await delay(50);
  }
  await Promise.all(running);
  return latencies.sort((one, other) => one - other);
}

const at = (latencies: readonly number[], part: number) => `${Math.round(latencies[Math.floor(latencies.length * part)] ?? 0)} ms`;
const show = (what: string, latencies: readonly number[]) =>
  console.log(
    `${what.padEnd(24)} ${latencies.length} requests, p50 ${at(latencies, 0.5)}, p99 ${at(latencies, 0.99)}, most ${at(latencies, 0.9999)}`,
  );

await measure();
show('without a flood', await measure());
let flooding = true;
const statuses = new Map<number, number>();
async function flood(): Promise<void> {
  const running: Promise<void>[] = [];
  for (let count = 0; flooding; await delay(20)) {
    for (const last = count + RATE / 50; count < last; count += 1) {
      const address = `198.18.${Math.floor(count / 250) % 250}.${(count % 250) + 1}`;
      running.push(
        request(newSid('RCS'), randomBytes(16).toString('hex'), address).then(({ status }) => {
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }),
      );
    }
  }
  await Promise.all(running);
}
const flooded = flood();
const during = await measure();
flooding = false;
await flooded;
show('with bad passwords', during);
console.log(`the flood was answered   ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')}`);

app.drain();
await database.close();
await rm(dataDir, { recursive: true, force: true });
if (postgres) await dropDatabase(postgres, name);
