import type { ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { packageRoot } from '../src/database/package-root.ts';
import { openData, WRITER_SID } from './data.ts';
import { ACCOUNT_SID, basic, startGateway } from './gateway.ts';
import { type Answered, bytesOf, drive } from './load.ts';
import { describeMachine, LOAD_CORE, pin, spawnOn } from './machine.ts';
import { median } from './measure.ts';
import { enterprises, type GraphRequest, messages } from './queries.ts';
import { stopAll } from './server.ts';

// `npm run bench:flood`: what one tenant's reads take while another floods the gateway with its own, on PostgreSQL. RATE_LIMIT is off: it is the
// turns that accounts take (src/http/fairness.ts) that are measured, and not what is refused.

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
const connections = Number(options.connections);
/** How long the flood takes to be one, and outlasts what is measured, in s. */
const STARTING = 2;
const server = process.env.DATABASE_URL ?? 'postgresql://root@127.0.0.1:5432/postgres';
const database = `gateway_flood_${process.pid}`;

/** What the quiet tenant asks, one after the other, and what the other floods with. */
const FLOODS: readonly [string, GraphRequest, GraphRequest][] = [
  ['pages of 10 messages, flooded with the same', messages, messages],
  ['pages of 10 enterprises with mappings, flooded with the same', enterprises, enterprises],
  ['pages of 10 enterprises with mappings, flooded with pages of 100 messages', enterprises, { ...messages, variables: { first: 100 } }],
];

const at = ({ latencies }: Answered, share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;

/**
 * A client that gives way: the rest of the world's share no core with PostgreSQL and with each other. The scheduler weighs sessions first, where it has
 * autogroups, and processes within them.
 */
function spawnGivingWay(command: readonly [string, ...string[]]): ChildProcess {
  const child = spawnOn(LOAD_CORE, ['nice', '-n', '19', ...command], {
    cwd: packageRoot(),
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const group = `/proc/${child.pid}/autogroup`;
  if (existsSync(group)) writeFileSync(group, '19');
  return child;
}

async function main(): Promise<void> {
  const data = await openData(server, database, { messages: 20_000, enterprises: 50, smallOrganizations: 2 }, false);
  pin(process.pid, LOAD_CORE);
  try {
    const gateway = await startGateway(data.url);
    const load = (sid: string, body: GraphRequest, count: number, during: number) => {
      const bytes = bytesOf({ method: 'POST', path: '/graphql', authorization: basic(sid), body });
      return drive({ port: gateway.port, request: () => bytes, connections: count, seconds: during });
    };
    /** How many answers it gets. */
    const flooding = (body: GraphRequest, during: number) => {
      const given = [String(gateway.port), basic(ACCOUNT_SID), JSON.stringify(body), String(connections), String(during)];
      const child = spawnGivingWay([process.execPath, '--import', 'tsx', 'bench/flood-client.ts', ...given]);
      return text(child.stdout as NodeJS.ReadableStream).then(Number);
    };
    const rows: string[] = [];
    for (const [what, quietly, flood] of FLOODS) {
      await Promise.all([load(WRITER_SID, quietly, 1, 1), load(ACCOUNT_SID, flood, 8, 1)]);
      const windows = { quiet: [] as Answered[], flooded: [] as Answered[], answers: [] as number[] };
      for (let round = 0; round < rounds; round += 1) {
        windows.quiet.push(await load(WRITER_SID, quietly, 1, seconds));
        const flooded = flooding(flood, seconds + STARTING);
        await delay(STARTING * 500);
        windows.flooded.push(await load(WRITER_SID, quietly, 1, seconds));
        windows.answers.push((await flooded) / (seconds + STARTING));
      }
      const of = (measured: readonly Answered[], share: number) => median(measured.map((one) => at(one, share)));
      const [quiet, flooded] = [of(windows.quiet, 0.99), of(windows.flooded, 0.99)];
      const ms = [of(windows.quiet, 0.5), quiet, of(windows.flooded, 0.5), flooded].map((value) => value.toFixed(1));
      rows.push(`| ${what} | ${ms.join(' | ')} | ${(flooded / quiet).toFixed(1)} | ${Math.round(median(windows.answers))} |`);
      console.log(rows.at(-1));
    }
    await writeFile(new URL('results-flood.md', import.meta.url), report(rows));
  } finally {
    await stopAll();
    await data.close();
  }
}

const report = (rows: readonly string[]) => `# One tenant's flood, another's latency

| what the quiet tenant asks | quiet p50, ms | quiet p99, ms | flooded p50, ms | flooded p99, ms | flooded p99 / quiet p99 | the flood's answers a second |
|---|---|---|---|---|---|---|
${rows.join('\n')}

\`npm run bench:flood\`: the quiet tenant asks over one connection, again as soon as it is answered; the other over ${connections}, from a process that gives way to the rest.
${rounds} windows of ${seconds} s each, in turn; medians of them. RATE_LIMIT is off.
${describeMachine()}.
`;

await main();
