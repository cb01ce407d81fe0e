import { parseArgs } from 'node:util';
import { ORGANIZATION, openData } from './data.ts';
import { startGateway } from './gateway.ts';
import { LOAD_CORE, pin } from './machine.ts';
import type { Measured } from './measure.ts';
import { installPeers, mayStart, type PeerName, startPeer } from './peers.ts';
import { measureScale } from './scale.ts';
import { type Server, stopAll } from './server.ts';
import { isReached, tableOf, writeResults } from './table.ts';
import { backlog } from './work/backlog.ts';
import { deep } from './work/deep.ts';
import { event } from './work/event.ts';
import { exchange } from './work/exchange.ts';
import { live } from './work/live.ts';
import { metrics } from './work/metrics.ts';
import { nested } from './work/nested.ts';
import { page } from './work/page.ts';
import { rest } from './work/rest.ts';
import { send } from './work/send.ts';
import { start } from './work/start.ts';
import { total } from './work/total.ts';
import type { Bench, Row, Work } from './work.ts';

// `npm run bench`: the gateway beside its peers, on one machine, in one run, over the same data.

const WORK: Readonly<Record<string, Work>> = { page, nested, total, rest, metrics, deep, send, exchange, backlog, event, live, start };
const FULL = { messages: 1_000_000, enterprises: 200, smallOrganizations: 20 };
const TINY = { messages: 2000, enterprises: 12, smallOrganizations: 2 };

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(WORK).join() },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    subscribers: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    /** How many messages; a database of another size is made beside the usual one, and dropped. */
    messages: { type: 'string' },
    /** Instead of all this: a million messages, and ten million. */
    scale: { type: 'boolean', default: false },
  },
});
const { smoke } = options;
const chosen = options.only.split(',').map((name) => {
  const work = WORK[name];
  if (!work) throw new Error(`--only takes some of ${Object.keys(WORK).join()}`);
  return [name, work] as const;
});
const sizes = { ...(smoke ? TINY : FULL), ...(options.messages ? { messages: Number(options.messages) } : {}) };
const keep = !smoke && !options.messages;
const database = keep ? 'gateway_bench' : `gateway_bench_${process.pid}`;
const server = process.env.DATABASE_URL ?? 'postgresql://root@127.0.0.1:5432/postgres';
/** Many short windows: whatever slows the machine for seconds slows all that are compared. */
const rounds = Number(options.rounds ?? (smoke ? 1 : 20));
/** Longer than this, disturbed windows are taken as they are, so that a run ends within 15 minutes. */
const PATIENCE_MS = 8 * 60_000;
const pace = {
  seconds: Number(options.seconds ?? (smoke ? 0.1 : 0.5)),
  warmUp: smoke ? 0.2 : 4,
  repeats: Math.ceil(rounds / 4),
  rounds,
  tries: smoke ? rounds : rounds * 3,
  patientUntil: PATIENCE_MS,
  database,
};
const subscribers = Number(options.subscribers ?? (smoke ? 20 : 5000));

let closeData = async () => {};

async function cleanUp(): Promise<void> {
  await stopAll();
  await closeData();
}

async function main(): Promise<void> {
  const began = performance.now();
  const installed = installPeers();
  if (!installed && !smoke) throw new Error('Without its peers nothing can be compared.');
  if (!installed) console.log('They are skipped: this run only shows that the rest works.');
  const data = await openData(server, database, sizes, keep);
  closeData = data.close;
  // This process is the load.
  pin(process.pid, LOAD_CORE);
  const servers = new Map<string, Promise<Server>>();
  const once = (name: string, make: () => Promise<Server>) => {
    const made = servers.get(name) ?? make();
    servers.set(name, made);
    return made;
  };
  const bench: Bench = {
    data,
    pace,
    server,
    smoke,
    subscribers,
    gateway: () => once('gateway', () => startGateway(data.url)),
    peer: async (name: PeerName, organization = ORGANIZATION) =>
      mayStart(name, installed) ? once(name, () => startPeer(name, data.url, organization)) : undefined,
  };
  const rows: Row[] = [];
  const groups = new Map<string, readonly Measured[]>();
  try {
    for (const [name, work] of chosen) {
      const at = performance.now();
      const outcome = await work(bench);
      rows.push(...outcome.rows);
      groups.set(name, outcome.measured);
      console.log(`${name}: ${((performance.now() - at) / 1000).toFixed(0)} s`);
      // What is not measured next must not be in its way, and its connections are many.
      await stopAll();
      servers.clear();
    }
  } finally {
    await cleanUp();
  }
  console.log(`\n${tableOf(smoke ? rows.map((row) => ({ ...row, mark: undefined })) : rows)}\n`);
  if (smoke) return console.log('Ran. What it measured means nothing: tiny data, tiny windows.');
  const missed = rows.filter((row) => !isReached(row)).length;
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  const how = `\`npm run bench\`: ${sizes.messages} messages; ${pace.rounds} windows of ${pace.seconds} s each, in turn; ${minutes} minutes.`;
  await writeResults(rows, groups, how);
  console.log(`${missed} of ${rows.filter(({ mark }) => mark).length} marks missed; ${minutes} minutes; written to bench/results.md`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
}
try {
  await (options.scale ? measureScale(server) : main());
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
