import { type Answered, drive, type RequestBytes } from './load.ts';
import { pinBackends, processorTime, watch } from './machine.ts';
import type { Server } from './server.ts';

/** What is measured in turn with others. */
export interface Contestant {
  readonly name: string;
  readonly server: Server;
  readonly request: RequestBytes;
  /** 16 where absent. */
  readonly connections?: number;
  /** Instead of the load over HTTP. */
  readonly drive?: (seconds: number) => Promise<Answered>;
  /** Called after each window with how many requests were answered in it. */
  readonly check?: (answered: number) => Promise<void>;
}

export interface Pace {
  readonly seconds: number;
  /** How long each contestant runs before it is measured, in seconds. */
  readonly warmUp: number;
  /** How many windows. */
  readonly rounds: number;
  /** How often what has no windows is measured: bursts, and starts. */
  readonly repeats: number;
  /** How many windows at most, those included that other work disturbs. */
  readonly tries: number;
  /** Until when disturbed windows are measured again, as performance.now() has it. */
  readonly patientUntil: number;
  /** The name of the database that PostgreSQL works for. */
  readonly database: string;
}

/** The medians of a contestant's windows. */
export interface Measured {
  readonly name: string;
  readonly perSecond: number;
  /** Processor time of the server's process for one request, in µs. */
  readonly microseconds: number;
  /** PostgreSQL's processor time for one request, in µs. */
  readonly postgres: number;
  /** Of the core that the server has. */
  readonly busy: number;
  /** In ms. */
  readonly median: number;
  readonly p99: number;
  readonly windows: number;
  /** Windows that other work disturbed and that were measured again. */
  readonly thrownAway: number;
  /** Windows that stayed disturbed when the tries were used up. */
  readonly disturbed: number;
}

interface Window extends Pick<Measured, 'perSecond' | 'microseconds' | 'postgres' | 'busy' | 'median' | 'p99'> {
  readonly isDisturbed: boolean;
}

const CONNECTIONS = 16;
/** A window is disturbed where other work used more of the machine than this, in cores. */
export const TOLERATED = 0.08;

/**
 * Measures the contestants in turn, A B A B …, each window on its own. One that other work disturbed is measured again in the next turn, as
 * long as there are tries and time.
 */
export async function interleave(contestants: readonly Contestant[], pace: Pace): Promise<Map<string, Measured>> {
  const windows = new Map(contestants.map(({ name }) => [name, { good: [] as Window[], bad: [] as Window[] }]));
  for (const contestant of contestants) {
    for (const _half of [1, 2]) {
      await measure(contestant, pace.warmUp / 2, pace.database);
      pinBackends(pace.database);
    }
  }
  const isDone = ({ name }: Contestant) => (windows.get(name)?.good.length ?? 0) >= pace.rounds;
  for (let round = 0; mayGoOn(round, pace); round += 1) {
    for (const contestant of contestants) {
      if (isDone(contestant)) continue;
      const window = await measure(contestant, pace.seconds, pace.database);
      windows.get(contestant.name)?.[window.isDisturbed ? 'bad' : 'good'].push(window);
    }
  }
  return new Map([...windows].map(([name, { good, bad }]) => [name, summary(name, good, bad, pace.rounds)]));
}

/** Of `rounds` that are wanted, and `tries` at most. */
export const mayGoOn = (round: number, { rounds, tries, patientUntil }: Pick<Pace, 'rounds' | 'tries' | 'patientUntil'>) =>
  round < rounds || (round < tries && performance.now() < patientUntil);

async function measure(contestant: Contestant, seconds: number, database: string): Promise<Window> {
  const { server, request, connections = CONNECTIONS, check } = contestant;
  pinBackends(database);
  const watched = watch([server.pid], database);
  const before = processorTime(server.pid);
  const answered = await (contestant.drive?.(seconds) ?? drive({ port: server.port, request, connections, seconds }));
  const used = processorTime(server.pid) - before;
  const { postgres, others, stolen } = watched();
  await check?.(answered.requests);
  const at = (share: number) => answered.latencies[Math.floor(answered.latencies.length * share)] ?? Number.NaN;
  return {
    perSecond: answered.requests / answered.seconds,
    microseconds: (used * 1e6) / answered.requests,
    postgres: (postgres * answered.seconds * 1e6) / answered.requests,
    busy: used / answered.seconds,
    median: at(0.5),
    p99: at(0.99),
    isDisturbed: others + stolen > TOLERATED,
  };
}

function summary(name: string, good: readonly Window[], bad: readonly Window[], rounds: number): Measured {
  const used = [...good, ...bad.slice(-Math.max(0, rounds - good.length) || bad.length)].slice(0, rounds);
  const of = (field: Exclude<keyof Window, 'isDisturbed'>) => median(used.map((window) => window[field]));
  const disturbed = used.filter(({ isDisturbed }) => isDisturbed).length;
  return {
    name,
    perSecond: of('perSecond'),
    microseconds: of('microseconds'),
    postgres: of('postgres'),
    busy: of('busy'),
    median: of('median'),
    p99: of('p99'),
    windows: used.length,
    thrownAway: bad.length - disturbed,
    disturbed,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? (sorted[Math.floor(middle)] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
