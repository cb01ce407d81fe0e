import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../fakes/fault-proxy.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';
import { COMMIT, SEND } from './doors.ts';

/** How long everything goes wrong, in s. The long run is `npm run faults`. */
const SECONDS = Number(process.env.FAULT_SECONDS ?? 3);
const TIMEOUT_MS = 3000;

let proxy: FaultProxy;
let directUrl: string;
let exchange: TestExchange;
const customers: Customer[] = [];
beforeAll(async () => {
  if (!inject('postgres')) return;
  const reachedBy = async (url: string) => {
    directUrl = url;
    proxy = await startFaultProxy(url);
    return proxy.url;
  };
  const database = await createTestDatabase({ requestTimeoutMs: TIMEOUT_MS, reachedBy });
  exchange = await createTestExchange({ database, access: { limits: { requestTimeoutMs: TIMEOUT_MS } } });
  for (let n = 0; n < 2; n += 1) customers.push(await exchange.customer());
});
afterAll(async () => {
  await exchange?.close();
  await proxy?.close();
});

async function terminate(): Promise<void> {
  const client = new pg.Client(directUrl);
  await client.connect();
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  await client.end();
}

/** What goes wrong, and for how long at most, in ms. */
const faults: Readonly<Record<string, { readonly begin: () => unknown; readonly end?: () => unknown; readonly longestMs: number }>> = {
  'connections cut': { begin: () => proxy.cut(), longestMs: 0 },
  'connections terminated': { begin: terminate, longestMs: 0 },
  'database down': { begin: () => proxy.refuse(), longestMs: 2000 },
  'database hangs': { begin: () => proxy.hang(), longestMs: 3000 },
  'database slow': { begin: () => proxy.slow(50), longestMs: 3000 },
  'database throttled': { begin: () => proxy.throttle(20_000), longestMs: 3000 },
  'answers to COMMIT lost': { begin: () => proxy.loseAnswerTo(COMMIT), longestMs: 200 },
  'Restcomm down': {
    begin: () =>
      exchange.restcomm.faults.always('send', () =>
        Math.random() < 0.5 ? { reset: 'before' } : { reset: 'after', later: Math.random() * 300 },
      ),
    end: () => exchange.restcomm.faults.clear(),
    longestMs: 2000,
  },
  'Microsoft down': {
    begin: () => exchange.microsoft.fault('activities', { times: Number.POSITIVE_INFINITY, answer: { status: 503, body: {} } }),
    end: () => exchange.microsoft.heal(),
    longestMs: 2000,
  },
  // Longer than a lane's lease.
  'database down for long': { begin: () => proxy.refuse(), longestMs: 20_000 },
};
const SHORT = ['connections cut', 'database down', 'answers to COMMIT lost', 'database hangs'];

interface Outcome {
  readonly body: string;
  readonly status: number;
}

/** Everybody writes in each direction, one text after another's answer. */
function write(): { outcomes: Outcome[]; stop: () => Promise<void> } {
  const outcomes: Outcome[] = [];
  let stopped = false;
  const ways: Readonly<Record<string, (customer: Customer, body: string) => Promise<number>>> = {
    phone: async ({ number }, body) => (await exchange.restcomm.receiveSms({ from: '+49301111', to: number, body })).answer?.status ?? 0,
    teams: (customer, body) => exchange.say(customer, customer.user, `+49302221 ${body}`),
    graph: async ({ provider, mappingSid }, body) => {
      const { status, data } = await provider.graph(SEND, { input: { mappingSid, to: '+49303331', body } });
      return status === 200 && !data?.result?.sentMessage?.sid ? 0 : status;
    },
  };
  const loops = customers.flatMap((customer) =>
    Object.entries(ways).map(async ([way, send]) => {
      for (let count = 0; !stopped; count += 1) {
        const body = `${way} ${customer.number} #${count}`;
        outcomes.push({ body, status: await send(customer, body) });
        await delay(30);
      }
    }),
  );
  return {
    outcomes,
    stop: async () => {
      stopped = true;
      await Promise.all(loops);
    },
  };
}

/** The bodies that arrived, as often as they did. */
function arrived(): { phone: string[]; teams: string[] } {
  return {
    phone: exchange.restcomm.messages.flatMap(({ direction, body }) => (direction === 'outbound-api' ? [body] : [])),
    teams: exchange.microsoft.activities.flatMap(({ text }) => /^From \S+:\n(.*)$/s.exec(String(text))?.[1] ?? []),
  };
}

const doubledIn = (bodies: readonly string[]) => [...new Set(bodies.filter((body, index) => bodies.indexOf(body) !== index))];
const rows = async <Row>(query: Promise<{ rows: Row[] }>) => (await query).rows;

test.runIf(inject('postgres'))(
  'during any failure, each request is answered or refused with a 503, and each accepted message is delivered, once or marked',
  async () => {
    const traffic = write();
    const names = process.env.FAULT_SECONDS ? Object.keys(faults) : SHORT;
    const recoveries = new Map<string, number[]>();
    const end = performance.now() + SECONDS * 1000;
    for (let n = 0; n < names.length || performance.now() < end; n += 1) {
      const name = names[n % names.length] as string;
      const { begin, end: undo, longestMs } = faults[name] as (typeof faults)[string];
      await delay(Math.random() * 200);
      await begin();
      await delay(Math.min(longestMs * (0.3 + 0.7 * Math.random()), (SECONDS * 1000) / names.length));
      await undo?.();
      await proxy.heal();
      const healed = performance.now();
      const probe = customers[0] as Customer;
      await until(async () => {
        const isReady = (await fetch(`${exchange.url}/health/ready`)).status === 200;
        return isReady && (await probe.provider.graph('{ mappings { totalCount } }')).status === 200;
      });
      recoveries.set(name, [...(recoveries.get(name) ?? []), performance.now() - healed]);
    }
    await traffic.stop();
    const { pool } = exchange.database;
    await until(async () => {
      const [left] = await rows(pool.query<{ count: string }>('SELECT count(*) FROM outbox'));
      return left?.count === '0';
    }, 120_000);

    const { phone, teams } = arrived();
    const all = new Set([...phone, ...teams]);
    const counted = (holds: (outcome: Outcome) => boolean) => traffic.outcomes.filter(holds);
    const accepted = counted(({ status }) => status === 200);
    const others = counted(({ status }) => status !== 200 && status !== 503);
    const lost = accepted.filter(({ body }) => !all.has(body));
    const marked = await rows(pool.query<{ body: string }>('SELECT body FROM message WHERE possibly_duplicated'));
    const stuck = await rows(pool.query<{ body: string }>('SELECT body FROM message WHERE stuck'));
    const doubled = { phone: doubledIn(phone), teams: doubledIn(teams) };
    const unmarked = [...doubled.phone, ...doubled.teams].filter((body) => !marked.some((row) => row.body === body));
    console.log(
      [
        `${traffic.outcomes.length} requests, ${counted(({ status }) => status === 503).length} × 503, ${others.length} other errors`,
        `${accepted.length} accepted, ${all.size} delivered, ${lost.length} lost, ${doubled.phone.length + doubled.teams.length} doubled, ` +
          `${marked.length} marked, ${stuck.length} stuck`,
        ...[...recoveries].map(([name, ms]) => `  ${name}: ${ms.length} times, recovered within ${Math.round(Math.max(...ms))} ms`),
      ].join('\n'),
    );
    expect({ others, lost, unmarked, doubledOnPhones: doubled.phone }).toEqual({ others: [], lost: [], unmarked: [], doubledOnPhones: [] });
    for (const [name, ms] of recoveries) expect([name, Math.max(...ms) < 5000]).toEqual([name, true]);
  },
  SECONDS * 2000 + 180_000,
);
