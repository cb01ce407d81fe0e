import { setTimeout as delay } from 'node:timers/promises';
import { ask, dropDatabase, inServer, makeDatabase } from '../database.ts';
import { type Conversation, seedConversations } from '../exchange/conversations.ts';
import { type Platforms, platformSettings, startPlatforms } from '../exchange/platforms.ts';
import { migrated, startGateway } from '../gateway.ts';
import { drive } from '../load.ts';
import { ALL_CORES, processorTime, SERVER_CORE, watch } from '../machine.ts';
import { type Measured, median, TOLERATED } from '../measure.ts';
import { startPeer } from '../peers.ts';
import type { Server } from '../server.ts';
import type { Bench, Outcome, Row, Work } from '../work.ts';

/** Where messages go: SMS into Teams, and Teams texts to the carrier, whose two status reports are part of it. */
type Direction = 'to Teams' | 'to the carrier';

/** One run of messages through a server. */
interface Run {
  readonly perSecond: number;
  /** Of the server's process for a message, in ms. */
  readonly processor: number;
  readonly postgres: number;
  /** From a request's beginning to the platform, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly isDisturbed: boolean;
}

/** A server that moves messages, and what it has of its own. */
interface Side {
  readonly name: string;
  readonly server: Server;
  readonly database: string;
  readonly url: string;
  readonly platforms: Platforms;
  readonly conversations: readonly Conversation[];
  /** The number of the next text. */
  next: number;
}

const CONNECTIONS = 32;
const PATIENCE_MS = 120_000;

/**
 * Messages of one organization, from the first request until the last one is where it goes and all reports are taken. Beside a bare process that makes
 * the same requests to the platforms and gathers its statements. The platforms, and the load, are this process.
 */
export const exchange: Work = async (bench) => {
  const count = bench.smoke ? 60 : 5000;
  const size = bench.smoke ? { enterprises: 2, users: 10 } : { enterprises: 40, users: 25 };
  const gateway = await open(bench, 'gateway', size);
  const bare = await open(bench, 'bare-exchange', size);
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
    for (const side of [gateway, bare]) {
      await side.server.stop();
      side.platforms.close();
      await dropDatabase(bench.server, side.database);
    }
  }
};

async function open(
  bench: Bench,
  name: 'gateway' | 'bare-exchange',
  { enterprises, users }: { enterprises: number; users: number },
): Promise<Side> {
  const database = `gateway_bench_exchange_${name.replace('-', '_')}_${process.pid}`;
  await makeDatabase(bench.server, database);
  const url = inServer(bench.server, database);
  await migrated(url);
  const platforms = await startPlatforms();
  const conversations = await seedConversations(url, platforms, enterprises, users);
  const env = platformSettings(platforms);
  const core = bench.smoke ? ALL_CORES : SERVER_CORE;
  const server =
    name === 'gateway'
      ? await startGateway(url, { core, env })
      : await startPeer(name, url, '', [], { env: { PLATFORMS_URL: platforms.url } });
  return { name, server, database, url, platforms, conversations, next: 1 };
}

async function alternate(sides: readonly Side[], direction: Direction, count: number, rounds: number): Promise<Run[][]> {
  const runs = sides.map((): Run[] => []);
  for (const side of sides) await run(side, direction, Math.ceil(count / 5));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, side] of sides.entries()) {
      // Teams' limits go back half a minute: texts of an earlier run count in the next one. The conversations take turns.
      runs[index]?.push(await run(side, direction, count));
    }
  }
  return runs;
}

async function run(side: Side, direction: Direction, count: number, pace: { everyMs?: number; connections?: number } = {}): Promise<Run> {
  const { server, platforms, conversations, database } = side;
  const first = side.next;
  side.next += count;
  const isToTeams = direction === 'to Teams';
  const sentAt = new Map<number, number>();
  const requests = Array.from({ length: count }, (_, index) => {
    const conversation = conversations[(first + index) % conversations.length] as Conversation;
    return isToTeams ? conversation.sms(first + index) : conversation.text(first + index);
  });
  platforms.arrivals.clear();
  const reportsBefore = platforms.reported();
  const watched = watch([server.pid], database);
  const cpu = processorTime(server.pid);
  const began = performance.now();
  const request = (number: number) => {
    sentAt.set(first + number - 1, performance.now());
    return requests[number - 1] ?? Buffer.alloc(0);
  };
  const { connections = CONNECTIONS, everyMs } = pace;
  await drive({ port: server.port, request, connections, seconds: 600, count, everyMs });
  const isDone = () => platforms.arrivals.size >= sentAt.size && (isToTeams || platforms.reported() - reportsBefore >= 2 * sentAt.size);
  while (!isDone()) {
    if (performance.now() - began > PATIENCE_MS)
      throw new Error(
        `Of ${sentAt.size} messages ${direction}, ${platforms.arrivals.size} arrived, ${platforms.reported() - reportsBefore} reports were taken: ${platforms.failures[0]}\n${server.output().slice(-2000)}`,
      );
    await delay(2);
  }
  const seconds = (performance.now() - began) / 1000;
  const used = processorTime(server.pid) - cpu;
  const { postgres, others, stolen } = watched();
  const delays = [...sentAt].map(([number, at]) => (platforms.arrivals.get(number) ?? Number.NaN) - at).sort((a, b) => a - b);
  return {
    perSecond: sentAt.size / seconds,
    processor: (used * 1000) / sentAt.size,
    postgres: (postgres * seconds * 1000) / sentAt.size,
    p50: delays[Math.floor(delays.length * 0.5)] ?? Number.NaN,
    p99: delays[Math.floor(delays.length * 0.99)] ?? Number.NaN,
    isDisturbed: others + stolen > TOLERATED,
  };
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
  const slow = await run(gateway, 'to Teams', 4000, { connections: 64 });
  gateway.platforms.delayMs = 0;
  await delay(3000);
  const steady = await run(gateway, 'to Teams', 3000, { everyMs: (CONNECTIONS * 1000) / 300 });
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
