import { writeFile } from 'node:fs/promises';
import { ACCOUNT_SID, basic, startGateway } from './gateway.ts';
import { describeMachine } from './machine.ts';
import { median } from './measure.ts';
import { BOUND_MARK, CASES, type Case, PAGE_MARK } from './scale-cases.ts';
import { DAYS, scaleData } from './scale-data.ts';
import type { Server } from './server.ts';

// `npm run bench -- --scale`: what each filter, order and total takes of a million messages and of ten million, one request at a time.

const SIZES = {
  scale1m: { messages: 1_000_000, few: 500 },
  scale10m: { messages: 10_000_000, few: 5000 },
};
const RUNS = 5;
/** A case that takes longer even when it is repeated is measured once. */
const SLOW_MS = 2000;
/** Newer migrations may have to fill what they add. */
const PATIENCE_MS = 30 * 60_000;

interface Timed {
  readonly ms: number;
  /** Absent for a 200 without errors. */
  readonly refused?: string;
}

/** Fills the databases that are not there yet, measures, and writes bench/results-scale.md. */
export async function measureScale(server: string): Promise<void> {
  const taken = new Map<Case, Timed[]>(CASES.map((each) => [each, []]));
  for (const [name, sizes] of Object.entries(SIZES)) {
    const url = await scaleData(server, name, sizes);
    const gateway = await startGateway(url, { patienceMs: PATIENCE_MS });
    try {
      // Everything is compiled and in memory, as far as it fits.
      for (const each of CASES.slice(0, 10)) await ask(gateway, each);
      for (const each of CASES) taken.get(each)?.push(await timeOf(gateway, each));
    } finally {
      await gateway.stop();
    }
    console.log(`${name}: measured`);
  }
  const text = report(taken);
  console.log(text);
  await writeFile(new URL('results-scale.md', import.meta.url), text);
}

async function timeOf(gateway: Server, each: Case): Promise<Timed> {
  // Brings what it reads into memory, as repeated requests do.
  await ask(gateway, each);
  const first = await ask(gateway, each);
  if (first.ms > SLOW_MS) return first;
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) times.push((await ask(gateway, each)).ms);
  return { ...first, ms: median(times) };
}

async function ask({ port }: Server, { request: { method, path, body } }: Case): Promise<Timed> {
  const began = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: basic(ACCOUNT_SID), 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = (await response.json()) as { errors?: readonly { extensions?: { code?: string } }[] };
  const ms = performance.now() - began;
  if (response.status === 200 && !answer.errors) return { ms };
  return { ms, refused: answer.errors?.[0]?.extensions?.code ?? String(response.status) };
}

function report(taken: ReadonlyMap<Case, readonly Timed[]>): string {
  const sections = [...new Set([...taken.keys()].map(({ group }) => group))].map((group) => {
    const cases = [...taken].filter(([each]) => each.group === group);
    const rows = cases.map(([each, [small, large]]) => (small && large ? rowOf(each, small, large) : ''));
    return `## ${group[0]?.toUpperCase()}${group.slice(1)}\n\n| | 1 M, ms | 10 M, ms | ratio | |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  const missed = [...taken].filter(([{ group }, [small, large]]) => !(small && large && isReached(group, small, large))).length;
  return `# A million messages, and ten million

Marks at ten million: pages within ${PAGE_MARK.ratio} × of a million and ${PAGE_MARK.ms} ms; totals and refusals, which read as many rows as the bounds allow,
within ${BOUND_MARK.ms} ms. ${missed} of ${taken.size} are missed. What takes less than ${NOISE_MS} ms at ten million is within the noise, whatever its ratio. A refusal has its code.

${sections.join('\n')}
\`npm run bench -- --scale\`: one organization with 1 M (10 M) messages and 200 with 500 (5,000), 0.7 M (7 M) events, ${DAYS} days; one request at a time; medians of
${RUNS} after an unmeasured one, or the second if it took more than ${SLOW_MS} ms. ${describeMachine()}.
`;
}

function rowOf({ group, what }: Case, small: Timed, large: Timed): string {
  const ms = ({ ms: time, refused }: Timed) => `${time < 10 ? time.toFixed(1) : Math.round(time)}${refused ? ` (${refused})` : ''}`;
  return `| ${what} | ${ms(small)} | ${ms(large)} | ${(large.ms / small.ms).toFixed(1)} × | ${isReached(group, small, large) ? '✔' : '✘'} |`;
}

/** Below this, in ms, a ratio says nothing. */
const NOISE_MS = 10;

function isReached(group: Case['group'], small: Timed, large: Timed): boolean {
  if (large.refused === 'TIMEOUT') return false;
  const isPage = group !== 'totals' && group !== 'REST, with its total' && large.refused === undefined;
  const mark = isPage ? PAGE_MARK : BOUND_MARK;
  return large.ms <= mark.ms && (mark.ratio === undefined || large.ms <= NOISE_MS || large.ms / small.ms <= mark.ratio);
}
