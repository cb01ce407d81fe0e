import type { ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { packageRoot } from '../src/database/package-root.ts';
import { openData, WRITER_SID } from './data.ts';
import { ACCOUNT_SID, basic, startGateway } from './gateway.ts';
import { type Answered, bytesOf, drive, type Load } from './load.ts';
import { describeMachine, LOAD_CORE, pin, spawnOn } from './machine.ts';
import { median } from './measure.ts';
import { enterprises, type GraphRequest, messages } from './queries.ts';
import { stopAll } from './server.ts';

// `npm run bench:flood`: what one tenant's reads take while another floods the gateway with its own, on PostgreSQL, and whether that is within the marks. First with the usual RATE_LIMIT,
// where most of the flood is refused; then with RATE_LIMIT off, where only the turns that accounts take (src/admission/fairness.ts) hold it.

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    /** Only those that have this in their name. */
    only: { type: 'string', default: '' },
    messages: { type: 'string', default: '300000' },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
const connections = Number(options.connections);
/** How long the flood takes to be one, and outlasts what is measured, in s. */
const STARTING = 2;
const server = process.env.DATABASE_URL ?? 'postgresql://root@127.0.0.1:5432/postgres';
const database = `gateway_flood_${process.pid}`;

interface Flood {
  readonly what: string;
  readonly quietly: GraphRequest;
  readonly flood: GraphRequest;
  /** With RATE_LIMIT as it is unless set: then the quiet tenant stays below it, and the other is far above. */
  readonly limited?: boolean;
}

const hundred = { ...messages, variables: { first: 100 } };
const FILTERED: GraphRequest = {
  operationName: 'Filtered',
  variables: {},
  query:
    'query Filtered { messages(first: 10, filter: { direction: INBOUND }, orderBy: { field: DATE_CREATED, direction: DESC }) { nodes { sid from to } } }',
};
const aliased = (field: string, count = 30): GraphRequest => ({
  operationName: 'Aliased',
  variables: {},
  query: `query Aliased { ${Array.from({ length: count }, (_, index) => `a${index}: ${field}`).join(' ')} }`,
});
const FLOODS: readonly Flood[] = [
  { what: 'pages of 10 messages, flooded with the same, refused', quietly: messages, flood: messages, limited: true },
  {
    what: 'pages of 10 enterprises with mappings, flooded with pages of 100 messages, refused',
    quietly: enterprises,
    flood: hundred,
    limited: true,
  },
  { what: 'pages of 10 messages, flooded with the same', quietly: messages, flood: messages },
  { what: 'pages of 10 enterprises with mappings, flooded with the same', quietly: enterprises, flood: enterprises },
  { what: 'pages of 10 enterprises with mappings, flooded with pages of 100 messages', quietly: enterprises, flood: hundred },
  // What one operation may ask for, over more messages than a list may read.
  {
    what: 'filtered pages, flooded with 30 deep pages and totals',
    quietly: FILTERED,
    flood: aliased('messages(first: 10, offset: 9000, filter: { stuck: false }) { totalCount nodes { sid } }'),
  },
  {
    what: 'filtered pages, flooded with 30 totals of the event log',
    quietly: FILTERED,
    flood: aliased('messageEvents(first: 1, filter: { statuses: [SENT] }) { totalCount }'),
  },
  {
    what: 'filtered pages, flooded with 30 totals of one letter',
    quietly: FILTERED,
    flood: aliased('messages(first: 1, filter: { from: "p", to: "4" }) { totalCount }'),
  },
  {
    what: 'filtered pages, flooded with 30 polls without a match',
    quietly: FILTERED,
    flood: aliased('messageEvents(filter: { messageSid: "MS0" }) { nodes { channelStatus } }'),
  },
  {
    what: 'filtered pages, flooded with 30 rare pages',
    quietly: FILTERED,
    flood: aliased('messages(first: 10, filter: { type: MMS, direction: INBOUND, channelErrorCode: "9" }) { nodes { sid } }'),
  },
  {
    what: 'filtered pages, flooded with 24 counts',
    quietly: FILTERED,
    flood: aliased('enterprises(first: 50) { nodes { messageCount mappingCount } }', 24),
  },
];
/** How much slower the quiet tenant's answers may be during a flood. */
const MAX_P50_RATIO = 1.3;
const MAX_P99_RATIO = 2;
/** 4,000 a minute of the 6,000 that RATE_LIMIT allows. */
const BELOW_LIMIT_MS = 15;

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
  const data = await openData(server, database, { messages: Number(options.messages), enterprises: 50, smallOrganizations: 2 }, false);
  pin(process.pid, LOAD_CORE);
  try {
    const rows: string[] = [];
    for (const one of FLOODS.filter(({ what }) => what.includes(options.only))) {
      rows.push(await measure(data.url, one));
      console.log(rows.at(-1));
    }
    await writeFile(new URL('results-flood.md', import.meta.url), report(rows));
  } finally {
    await stopAll();
    await data.close();
  }
}

/** @returns its row of the table */
async function measure(databaseUrl: string, { what, quietly, flood, limited = false }: Flood): Promise<string> {
  const gateway = await startGateway(databaseUrl, { env: limited ? { RATE_LIMIT: '6000' } : {} });
  await expectAnswer(gateway.port, quietly, WRITER_SID);
  await expectAnswer(gateway.port, flood, ACCOUNT_SID);
  const load = (sid: string, body: GraphRequest, count: number, during: number, pace: Pick<Load, 'everyMs' | 'mayBeRefused'> = {}) => {
    const bytes = bytesOf({ method: 'POST', path: '/graphql', authorization: basic(sid), body });
    return drive({ port: gateway.port, request: () => bytes, connections: count, seconds: during, ...pace });
  };
  const ask = (during: number) => load(WRITER_SID, quietly, 1, during, limited ? { everyMs: BELOW_LIMIT_MS } : {});
  /** How many answers it gets. */
  const flooding = (during: number) => {
    const given = [String(gateway.port), basic(ACCOUNT_SID), JSON.stringify(flood), String(connections), String(during)];
    const child = spawnGivingWay([process.execPath, '--import', 'tsx', 'bench/flood-client.ts', ...given]);
    return text(child.stdout as NodeJS.ReadableStream).then(Number);
  };
  await Promise.all([
    ask(limited ? 10 : 1),
    load(ACCOUNT_SID, flood, limited ? connections : 8, limited ? 10 : 1, { mayBeRefused: limited }),
  ]);
  const windows = { quiet: [] as Answered[], flooded: [] as Answered[], answers: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    windows.quiet.push(await ask(seconds));
    const flooded = flooding(seconds + STARTING);
    await delay(STARTING * 500);
    windows.flooded.push(await ask(seconds));
    windows.answers.push((await flooded) / (seconds + STARTING));
  }
  await gateway.stop();
  const of = (measured: readonly Answered[], share: number) => median(measured.map((one) => at(one, share)));
  const p50s = [of(windows.quiet, 0.5), of(windows.flooded, 0.5)] as const;
  const p99s = [of(windows.quiet, 0.99), of(windows.flooded, 0.99)] as const;
  const cells = [...p50s.map(inMs), ratio(p50s, MAX_P50_RATIO), ...p99s.map(inMs), ratio(p99s, MAX_P99_RATIO)];
  return `| ${what} | ${cells.join(' | ')} | ${Math.round(median(windows.answers))} |`;
}

const inMs = (value: number) => value.toFixed(1);

function ratio([quiet, flooded]: readonly [number, number], maximum: number): string {
  const found = flooded / quiet;
  return `${found.toFixed(2)} ${found <= maximum ? '✓' : '✗'}`;
}

/** Makes sure that an operation is run: a flood of operations that are refused before they run would be none. */
async function expectAnswer(port: number, body: GraphRequest, sid: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { authorization: basic(sid), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { errors = [] } = (await response.json()) as { errors?: { message: string; extensions: { code: string } }[] };
  const refusal = errors.find(({ extensions }) => extensions.code !== 'SEARCH_TOO_WIDE');
  if (refusal) throw new Error(`${body.operationName}: ${refusal.message}`);
}

const report = (rows: readonly string[]) => `# One tenant's flood, another's latency

| what the quiet tenant asks | quiet p50, ms | flooded p50, ms | ratio | quiet p99, ms | flooded p99, ms | ratio | the flood's answers a second |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

\`npm run bench:flood\`: the quiet tenant asks over one connection, again as soon as it is answered; the other over ${connections}, from a process that gives way to the rest.
${rounds} windows of ${seconds} s each, in turn; medians of them. RATE_LIMIT is off but for what is refused.
✓: p50 within ${MAX_P50_RATIO} × of quiet, p99 within ${MAX_P99_RATIO} ×.
${describeMachine()}.
`;

await main();
