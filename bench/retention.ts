import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openData } from './data.ts';
import { ask } from './database.ts';
import { ACCOUNT_SID, basic, startGateway } from './gateway.ts';
import { type Answered, bytesOf, drive } from './load.ts';
import { describeMachine, LOAD_CORE, pin } from './machine.ts';
import { messages } from './queries.ts';
import { stopAll } from './server.ts';

// `npx tsx bench/retention.ts`: what one tenant's page takes while the messages of another are deleted past their retention, on PostgreSQL, beside what it
// takes before and after. The page is asked for over one connection, again as soon as it is answered.

const { values: options } = parseArgs({
  options: { messages: { type: 'string', default: '120000' }, seconds: { type: 'string', default: '10' } },
});
const server = process.env.DATABASE_URL ?? 'postgresql://root@127.0.0.1:5432/postgres';
/** The account of a small organization, which keeps its messages. */
const READER = `ACf${'1'.padStart(31, '0')}`;
const RETAIN =
  'mutation { setMessageRetention(input: { days: 30 }) { ... on SetMessageRetentionSuccess { organization { messageRetentionDays } } } }';
const COUNT = `SELECT (SELECT count(*)::int FROM message m JOIN account a USING (organization_sid) WHERE a.sid = $1) AS messages,
  (SELECT count(*)::int FROM message_event) AS events`;

async function main(): Promise<void> {
  const sizes = { messages: Number(options.messages), enterprises: 50, smallOrganizations: 2 };
  const data = await openData(server, `gateway_retention_${process.pid}`, sizes, false);
  pin(process.pid, LOAD_CORE);
  try {
    // Events of before are deleted first: messages are only emptied while the log needs them.
    const env = { EVENT_RETENTION: '1' };
    const makeDue = (name: string) => ask(data.url, 'UPDATE scheduled_job SET due = now() WHERE name = $1', [name]);
    await makeDue('trim-events');
    let gateway = await startGateway(data.url, { env });
    const left = async () =>
      (await ask<{ messages: number; events: number }>(data.url, COUNT, [ACCOUNT_SID]))[0] ?? { messages: 0, events: 0 };
    while ((await left()).events > 0) await delay(500);
    const request = bytesOf({ method: 'POST', path: '/graphql', authorization: basic(READER), body: messages });
    const page = (seconds: number) => drive({ port: gateway.port, request: () => request, connections: 1, seconds });
    await page(3);
    const before = await page(Number(options.seconds));

    const headers = { authorization: basic(ACCOUNT_SID), 'content-type': 'application/json' };
    const set = await (await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query: RETAIN }) })).json();
    if (set.data?.setMessageRetention.organization?.messageRetentionDays !== 30) throw new Error(JSON.stringify(set));
    // The job is looked for at the start, and then every few minutes.
    await gateway.stop();
    await makeDue('retain-messages');
    gateway = await startGateway(data.url, { env });
    const began = performance.now();
    await page(3);
    const during: Answered[] = [];
    while ((await left()).messages > 0) during.push(await page(Number(options.seconds)));
    const seconds = (performance.now() - began) / 1000;
    const after = await page(Number(options.seconds));

    console.log('| page of another tenant | p50, ms | p99, ms | slowest, ms | pages |\n|---|---|---|---|---|');
    // The last window has an end without deletions.
    for (const [what, windows] of [
      ['before', [before]],
      ['during', during.slice(0, -1)],
      ['after', [after]],
    ] as const)
      console.log(rowOf(what, windows));
    console.log(`\n${sizes.messages} messages deleted in about ${seconds.toFixed(0)} s. ${describeMachine()}.`);
  } finally {
    await stopAll();
    await data.close();
  }
}

function rowOf(what: string, windows: readonly Answered[]): string {
  const all = Float64Array.from(windows.flatMap(({ latencies }) => [...latencies])).sort();
  const at = (share: number) => (all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? Number.NaN).toFixed(2);
  return `| ${what} | ${at(0.5)} | ${at(0.99)} | ${at(1)} | ${all.length} |`;
}

await main();
