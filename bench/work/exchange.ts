import { setTimeout as delay } from 'node:timers/promises';
import { ask } from '../database.ts';
import { CONNECTIONS, type Direction, move, openSide, type Run, type Side } from '../exchange/side.ts';
import { type Measured, median } from '../measure.ts';
import type { Bench, Outcome, Row, Work } from '../work.ts';

/**
 * Messages of one organization, from the first request until the last one is where it goes and all reports are taken. Beside a bare process that makes
 * the same requests to the platforms and gathers its statements. The platforms, and the load, are this process.
 */
export const exchange: Work = async (bench) => {
  const count = bench.smoke ? 60 : 5000;
  const size = bench.smoke ? { enterprises: 2, users: 10 } : { enterprises: 40, users: 25 };
  const gateway = await openSide(bench, 'gateway', size);
  const bare = await openSide(bench, 'bare-exchange', size);
  try {
    const rows: Row[] = [];
    const measured: Measured[] = [];
    for (const direction of ['to Teams', 'to the carrier'] as const) {
      const runs = await alternate([gateway, bare], direction, count, bench.smoke ? 1 : 4);
      const [ours, theirs] = runs.map(summary) as [Run, Run];
      measured.push(
        ...[ours, theirs].map((run, index) => asMeasured(`${['gateway', 'bare'][index]}, ${direction}`, run, runs[index]?.length ?? 0)),
      );
      rows.push(...rowsOf(direction, ours, theirs));
    }
    if (!bench.smoke) rows.push(...(await singleRuns(gateway, bench)));
    await nothingIsLeft(gateway);
    return { rows, measured } satisfies Outcome;
  } finally {
    for (const side of [gateway, bare]) await side.close();
  }
};

async function alternate(sides: readonly Side[], direction: Direction, count: number, rounds: number): Promise<Run[][]> {
  const runs = sides.map((): Run[] => []);
  for (const side of sides) await move(side, direction, Math.ceil(count / 5));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, side] of sides.entries()) {
      // Teams' limits go back half a minute: texts of an earlier run count in the next one. The conversations take turns.
      runs[index]?.push(await move(side, direction, count));
    }
  }
  return runs;
}

const FIELDS = ['perSecond', 'processor', 'postgres', 'p50', 'p99'] as const;

/** The medians of the runs that nothing disturbed, or of all if each was. */
function summary(runs: readonly Run[]): Run {
  const good = runs.filter(({ isDisturbed }) => !isDisturbed);
  const used = good.length > 0 ? good : runs;
  const medians = Object.fromEntries(FIELDS.map((field) => [field, median(used.map((run) => run[field]))])) as Omit<Run, 'isDisturbed'>;
  return { ...medians, isDisturbed: good.length === 0 };
}

function asMeasured(name: string, run: Run, windows: number): Measured {
  const { perSecond, processor, postgres, p50, p99, isDisturbed } = run;
  const busy = (perSecond * processor) / 1000;
  return {
    name,
    perSecond,
    microseconds: processor * 1000,
    postgres: postgres * 1000,
    busy,
    median: p50,
    p99,
    windows,
    thrownAway: 0,
    disturbed: isDisturbed ? windows : 0,
  };
}

const MARKS = {
  'to Teams': { perSecond: 800, processor: 1, postgres: 1.5 },
  'to the carrier': { perSecond: 500, processor: 1.5, postgres: 2 },
} as const;

function rowsOf(direction: Direction, ours: Run, theirs: Run): Row[] {
  const mark = MARKS[direction];
  const work = `messages ${direction}`;
  const shown = ({ perSecond, processor, postgres }: Run) =>
    `${Math.round(perSecond)}/s, ${processor.toFixed(2)} + ${postgres.toFixed(2)} ms`;
  const both = { gateway: shown(ours), peer: shown(theirs), beside: 'bare-exchange' };
  return [
    { work, ...both, is: ours.perSecond / theirs.perSecond, byProcessor: theirs.processor / ours.processor, mark: { atLeast: 0.6 } },
    { work: `${work}, a second`, ...both, is: ours.perSecond, unit: '/s', mark: { atLeast: mark.perSecond } },
    { work: `${work}, processor`, ...both, is: ours.processor, unit: 'ms', mark: { atMost: mark.processor } },
    { work: `${work}, PostgreSQL`, ...both, is: ours.postgres, unit: 'ms', mark: { atMost: mark.postgres } },
  ];
}

/** What has no peer: slow platforms, and a steady load. */
async function singleRuns(gateway: Side, { smoke }: Bench): Promise<Row[]> {
  const alone = (work: string, run: Run, is: number, unit: Row['unit'], mark: Row['mark']): Row => ({
    work,
    beside: '–',
    gateway: `${Math.round(run.perSecond)}/s, p50 ${run.p50.toFixed(0)} ms, p99 ${run.p99.toFixed(0)} ms`,
    peer: '–',
    is,
    unit,
    mark,
  });
  if (smoke) return [];
  gateway.platforms.delayMs = 500;
  const slow = await move(gateway, 'to Teams', 4000, { connections: 64 });
  gateway.platforms.delayMs = 0;
  await delay(3000);
  const steady = await move(gateway, 'to Teams', 3000, { everyMs: (CONNECTIONS * 1000) / 300 });
  return [
    alone('to Teams, which takes 500 ms', slow, slow.perSecond, '/s', { atLeast: 450 }),
    alone('to Teams at 300/s, median', steady, steady.p50, 'ms', { atMost: 25 }),
    alone('to Teams at 300/s, p99', steady, steady.p99, 'ms', { atMost: 150 }),
  ];
}

/** @throws Error if a message was lost, or sent twice, or left in the outbox */
async function nothingIsLeft({ url, next }: Side): Promise<void> {
  const [row] = await ask<Record<string, number>>(
    url,
    `SELECT (SELECT count(*)::int FROM outbox) AS outbox, (SELECT count(*)::int FROM outbox_lane) AS lanes,
       (SELECT count(*)::int FROM message WHERE channel_status <> 'DELIVERED') AS undelivered,
       (SELECT count(*)::int FROM message WHERE possibly_duplicated) AS doubled, (SELECT count(*)::int FROM message) AS messages`,
  );
  if (!row || row.outbox || row.lanes || row.undelivered || row.doubled || row.messages !== next - 1)
    throw new Error(`Not all is as it should be after ${next - 1} messages: ${JSON.stringify(row)}`);
}
