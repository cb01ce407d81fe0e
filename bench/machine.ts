import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

// The machine's two cores: servers on one, the load and PostgreSQL's work for it on the other. And what else used them meanwhile.

export const SERVER_CORE = '0';
export const LOAD_CORE = cpus().length > 1 ? '1' : '0';
export const ALL_CORES = `0-${cpus().length - 1}`;
/** A jiffy of /proc, in seconds. */
const TICK = 1 / 100;
const canPin = spawnSync('taskset', ['-c', SERVER_CORE, 'true']).status === 0;

/** Starts a process on a core. */
export function spawnOn(core: string, command: readonly [string, ...string[]], options: SpawnOptions): ChildProcess {
  const [file, ...args] = canPin ? (['taskset', '-c', core, ...command] as const) : command;
  return spawn(file, args, options);
}

/** Moves a process and its threads to a core. Nothing where that is not possible. */
export function pin(pid: number, core: string): void {
  if (canPin) spawnSync('taskset', ['-a', '-cp', core, String(pid)], { stdio: 'ignore' });
}

/** The processor time that a process has used so far, in seconds. */
export function processorTime(pid: number): number {
  try {
    const fields = afterName(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return (Number(fields[11]) + Number(fields[12])) * TICK;
  } catch {
    return 0;
  }
}

/** What is kept resident of a process. */
export function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

/** What follows the process's name, which may hold anything. The first is field 3. */
const afterName = (stat: string) => stat.slice(stat.lastIndexOf(')') + 2).split(' ');

/** PostgreSQL's processes that work for this database, and those that write for all. */
export function backendsOf(database: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return title.startsWith('postgres: ') && (title.includes(` ${database} `) || /parallel worker|checkpointer|writer/.test(title));
      } catch {
        return false;
      }
    })
    .map(Number);
}

const pinned = new Set<number>();

/** Keeps PostgreSQL's processes for this database off the servers' core. New ones come with new connections. */
export function pinBackends(database: string): void {
  for (const pid of backendsOf(database)) {
    if (pinned.has(pid)) continue;
    pinned.add(pid);
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(database)) pin(pid, LOAD_CORE);
  }
}

/** How much processor time went where while something was measured, in cores. */
export interface Usage {
  /** PostgreSQL's processes for the database. */
  readonly postgres: number;
  /** What is neither ours nor PostgreSQL's for us. */
  readonly others: number;
  /** What the machine was not given. */
  readonly stolen: number;
}

/** Watches the machine while something of ours is measured: `pids` and this process are ours, and the database's processes. */
export function watch(pids: readonly number[], database: string): () => Usage {
  const before = moment([...pids, process.pid], database);
  return () => {
    const after = moment([...pids, process.pid], database);
    const seconds = (after.at - before.at) / 1000;
    const postgres = [...after.postgres].reduce((sum, [pid, time]) => sum + time - (before.postgres.get(pid) ?? 0), 0);
    const others = after.busy - before.busy - (after.ours - before.ours) - postgres;
    return { postgres: postgres / seconds, others: Math.max(0, others) / seconds, stolen: (after.stolen - before.stolen) / seconds };
  };
}

function moment(pids: readonly number[], database: string) {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)
    .join('')
    .split(/\s+/)
    .map(Number);
  return {
    at: performance.now(),
    busy: (user + nice + system + irq + softirq) * TICK,
    stolen: steal * TICK,
    ours: pids.reduce((sum, pid) => sum + processorTime(pid), 0),
    postgres: new Map(backendsOf(database).map((pid) => [pid, processorTime(pid)])),
  };
}

export function describeMachine(): string {
  return `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}${canPin ? '' : ', not pinned to cores'}`;
}
