import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { pino } from 'pino';
import { WebSocketServer } from 'ws';
import { createApp } from '../src/app.ts';
import { connect } from '../src/database/connect.ts';
import { migrate } from '../src/database/migrations.ts';
import { MIGRATIONS } from '../src/database/package-root.ts';
import { createAccount } from '../src/domain/accounts.ts';
import type { Gateway } from '../src/domain/gateway.ts';
import { createMapping } from '../src/domain/mappings.ts';
import { acceptMessage, type NewMessage } from '../src/domain/message-log.ts';
import { newSid } from '../src/domain/sid.ts';
import { listen } from '../src/http/server.ts';
import { createLive } from '../src/live/live.ts';
import { createEmbeddedMicrosoft } from '../src/platforms/embedded-microsoft.ts';
import { createEmbeddedRestcomm } from '../src/platforms/embedded-restcomm.ts';
import type { Command, Measured } from './live-clients.ts';

// How live events fan out: a gateway with 1,000 and 5,000 graphql-ws subscribers in one process, beside a plain `ws` broadcast of the same bytes
// to as many sockets in the same run. The readers are in another process. `npm run bench:live`; with TEST_DATABASE_URL on PostgreSQL.

const SUBSCRIBERS = [1000, 5000];
/** Written at once, for throughput. */
const BURST = 40;
/** Written one by one, for latency. */
const PACED = 15;
const PAUSE_MS = 1000;
const QUERY = `subscription { messageEvents { __typename ... on Bookmark { cursor } ... on MessageEvent {
  cursor occurredAt status previousStatus message { sid from to body channelStatus } } } }`;

interface Result {
  readonly what: string;
  readonly subscribers: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly kibPerSubscriber: number;
  readonly bytes: number;
  /** Processor time of the server for one delivery. */
  readonly microseconds: number;
}

const stamp = () => `@${process.hrtime.bigint()}@`;

class Readers {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('live-clients.ts', import.meta.url)));

  async tell(command: Command): Promise<void> {
    this.#child.send(command);
    await once(this.#child, 'message');
  }

  /** What arrives of `texts` texts at every reader, which `send` sends. */
  async measure(texts: number, send: () => Promise<void>): Promise<Measured> {
    await this.tell({ do: 'measure', texts });
    const measured = once(this.#child, 'message') as Promise<[Measured]>;
    await send();
    return (await measured)[0];
  }

  end(): void {
    this.#child.kill();
  }
}

async function memory(): Promise<number> {
  await delay(500);
  globalThis.gc?.();
  await delay(100);
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Connects, bursts, paces, and lets go. `burst` and `one` send that many texts. */
async function run(
  what: string,
  subscribers: number,
  target: Pick<Extract<Command, { do: 'connect' }>, 'url' | 'authorization' | 'query'>,
  burst: (count: number) => Promise<void>,
  one: () => Promise<void>,
): Promise<Result> {
  const readers = new Readers();
  const before = await memory();
  await readers.tell({ do: 'connect', count: subscribers, ...target });
  const kibPerSubscriber = ((await memory()) - before) / 1024 / subscribers;
  const { bytes } = await readers.measure(10, () => burst(10));
  let began = 0n;
  const cpu = process.cpuUsage();
  const { last } = await readers.measure(BURST, async () => {
    began = process.hrtime.bigint();
    await burst(BURST);
  });
  const { user, system } = process.cpuUsage(cpu);
  const { delays } = await readers.measure(PACED, async () => {
    for (let count = 0; count < PACED; count += 1) {
      await one();
      await delay(PAUSE_MS);
    }
  });
  await readers.tell({ do: 'close' });
  readers.end();
  const sorted = [...delays].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  const result = {
    what,
    subscribers,
    perSecond: (BURST * subscribers * 1e9) / Number(BigInt(last) - began),
    p50: at(0.5),
    p99: at(0.99),
    kibPerSubscriber,
    bytes,
    microseconds: (user + system) / (BURST * subscribers),
  };
  console.log(row(result));
  return result;
}

const HEAD = `| | subscribers | events delivered a second | latency p50, ms | latency p99, ms | heap a subscriber, KiB | server's processor a delivery, µs |\n|---|---|---|---|---|---|---|`;
const row = ({ what, subscribers, perSecond, p50, p99, kibPerSubscriber, microseconds }: Result) =>
  `| ${what} | ${subscribers} | ${Math.round(perSecond)} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${kibPerSubscriber.toFixed(1)} | ${microseconds.toFixed(1)} |`;

/** A gateway with one provider, and its writers. */
async function openGateway() {
  const log = pino({ level: 'error' });
  const dataDir = await mkdtemp(join(tmpdir(), 'gateway-bench-'));
  const postgres = process.env.TEST_DATABASE_URL;
  const name = `gateway_bench_${randomBytes(4).toString('hex')}`;
  let databaseUrl: string | undefined;
  if (postgres) {
    await administer(postgres, `CREATE DATABASE ${name}`);
    databaseUrl = Object.assign(new URL(postgres), { pathname: name }).href;
  }
  const database = await connect({ dataDir, databaseUrl, log });
  await migrate(database.pool, MIGRATIONS);
  const { prisma } = database;
  const live = createLive({ prisma, log });
  const gateway: Gateway = {
    prisma,
    sql: database.sql,
    secrets: (await import('../src/domain/secrets.ts')).createSecrets(randomBytes(32)),
    restcomm: createEmbeddedRestcomm(),
    microsoft: createEmbeddedMicrosoft(),
    hints: { queued: () => {}, appended: (sid) => live.wake(sid) },
    publicUrl: 'http://localhost',
    log,
  };
  const app = createApp({ gateway, live, contract: { restTimestamps: 'iso', restBotSecrets: 'plain' }, log, isReady: () => true });
  const listener = await listen(app.fetch, { host: '127.0.0.1', port: 0 });
  const sockets = app.attach(listener.server);

  const { account, authToken } = await createAccount(gateway, { email: 'bench@example.com', organization: { name: 'Bench' } });
  const { organizationSid, sid: accountSid } = account;
  const caller = { organizationSid, accountSid, permissions: new Set(['read', 'write'] as const), requestId: 'bench' };
  const enterprise = await prisma.enterprise.create({
    data: { sid: newSid('EN'), organizationSid, accountSid, name: 'Bench', nameFolded: 'bench' },
  });
  const mapping = await createMapping(gateway, caller, {
    enterpriseSid: enterprise.sid,
    microsoftAddress: 'user@tenant.example',
    externalAddress: '+15550199',
  });
  const message = (): NewMessage => ({
    organizationSid,
    accountSid,
    enterpriseSid: enterprise.sid,
    mappingSid: mapping.sid,
    direction: 'INBOUND',
    from: mapping.microsoftAddress,
    to: '+15550100',
    body: `A text of the length that a text has, more or less ${stamp()}`,
    lane: 'bench',
  });
  return {
    database: database.kind,
    target: {
      url: `${listener.url.replace('http', 'ws')}/graphql`,
      authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`,
      query: QUERY,
    },
    /** All in one transaction, so that the tail has them at once. */
    burst: async (count: number) => {
      await prisma.$transaction(
        async (tx) => {
          for (let n = 0; n < count; n += 1) await acceptMessage(tx, message());
        },
        { timeout: 60_000 },
      );
      live.wake(organizationSid);
    },
    one: async () => {
      await acceptMessage(prisma, message());
      live.wake(organizationSid);
    },
    close: async () => {
      sockets.goAway();
      app.drain();
      await listener.drain(1000);
      await sockets.dispose();
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
      if (postgres) await administer(postgres, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(statement);
  await client.end();
}

/** A WebSocket server that sends a text of the same length to all. */
async function openBroadcast() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  let bytes = 0;
  const text = () => {
    const head = `{"id":"1","type":"next","payload":{"data":{"messageEvents":{"${stamp()}":"`;
    return `${head.padEnd(bytes - 5, 'x')}"}}}}`;
  };
  const broadcast = () => {
    const data = text();
    for (const client of server.clients) client.send(data);
  };
  return {
    /** How long a text is. */
    sends: (length: number) => {
      bytes = length;
    },
    target: { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` },
    burst: async (count: number) => {
      for (let n = 0; n < count; n += 1) broadcast();
    },
    one: async () => broadcast(),
    close: () => server.close(),
  };
}

const gateway = await openGateway();
const broadcast = await openBroadcast();
console.log(HEAD);
const results: Result[] = [];
for (const subscribers of SUBSCRIBERS) {
  const ours = await run('gateway, graphql-ws', subscribers, gateway.target, gateway.burst, gateway.one);
  results.push(ours);
  broadcast.sends(ours.bytes);
  results.push(await run('plain ws broadcast', subscribers, broadcast.target, broadcast.burst, broadcast.one));
}
broadcast.close();
await gateway.close();
const text = `# Live events

${HEAD}
${results.map(row).join('\n')}

\`npm run bench:live\`: ${BURST} events written in one transaction, until the last has arrived everywhere; then ${PACED} one by one, ${PAUSE_MS} ms apart, from just
before the write to the reader. ${results[0]?.bytes} bytes a text. Server in one process with its database's client (${gateway.database}), all readers in one other process.
Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}.
`;
await writeFile(new URL('results-live.md', import.meta.url), text);
console.log('written to bench/results-live.md');
process.exit(0);
