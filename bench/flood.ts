import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openData, WRITER_SID } from './data.ts';
import { ACCOUNT_SID, basic, startGateway } from './gateway.ts';
import { type Answered, bytesOf, drive } from './load.ts';
import { describeMachine, LOAD_CORE, pin, pinBackends } from './machine.ts';
import { enterprises, type GraphRequest, messages } from './queries.ts';
import { stopAll } from './server.ts';

// `npm run bench:flood`: what one tenant's reads take while another floods the gateway with its own, on PostgreSQL. RATE_LIMIT is off: it is the
// turns that accounts take (src/http/fairness.ts) that are measured, and not what is refused.

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, connections: { type: 'string', default: '64' } },
});
const seconds = Number(options.seconds);
const connections = Number(options.connections);
const server = process.env.DATABASE_URL ?? 'postgresql://root@127.0.0.1:5432/postgres';
const database = `gateway_flood_${process.pid}`;

/** What the quiet tenant asks, one after the other, and what the other floods with. */
const FLOODS: readonly [string, GraphRequest, GraphRequest][] = [
  ['pages of 10 messages, flooded with the same', messages, messages],
  ['pages of 10 enterprises with mappings, flooded with the same', enterprises, enterprises],
  ['pages of 10 enterprises with mappings, flooded with pages of 100 messages', enterprises, { ...messages, variables: { first: 100 } }],
];

const at = ({ latencies }: Answered, share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;

async function main(): Promise<void> {
  const data = await openData(server, database, { messages: 20_000, enterprises: 50, smallOrganizations: 2 }, false);
  pin(process.pid, LOAD_CORE);
  try {
    const gateway = await startGateway(data.url);
    const load = (sid: string, body: GraphRequest, count: number, during: number) => {
      const bytes = bytesOf({ method: 'POST', path: '/graphql', authorization: basic(sid), body });
      return drive({ port: gateway.port, request: () => bytes, connections: count, seconds: during });
    };
    const rows: string[] = [];
    for (const [what, quietly, flood] of FLOODS) {
      await Promise.all([load(WRITER_SID, quietly, 1, 1), load(ACCOUNT_SID, flood, 8, 1)]);
      pinBackends(database);
      const quiet = await load(WRITER_SID, quietly, 1, seconds);
      const [flooding, flooded] = await Promise.all([
        load(ACCOUNT_SID, flood, connections, seconds + 1),
        load(WRITER_SID, quietly, 1, seconds),
      ]);
      const ms = [at(quiet, 0.5), at(quiet, 0.99), at(flooded, 0.5), at(flooded, 0.99)].map((value) => value.toFixed(1));
      const ratio = (at(flooded, 0.99) / at(quiet, 0.99)).toFixed(1);
      rows.push(`| ${what} | ${ms.join(' | ')} | ${ratio} | ${Math.round(flooding.requests / flooding.seconds)} |`);
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

\`npm run bench:flood\`: the quiet tenant asks over one connection, again as soon as it is answered, for ${seconds} s; the other over ${connections}. RATE_LIMIT is off.
${describeMachine()}.
`;

await main();
