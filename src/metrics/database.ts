import { Counter, Gauge } from 'prom-client';
import type { ObserveStatement, PoolName } from '../database/observed.ts';
import type { ListRead } from '../database/standby.ts';
import { createDurations } from './durations.ts';
import type { Registers } from './registers.ts';

/** The pools of connections, by name. */
export type PoolsByName = ReadonlyMap<PoolName, { readonly totalCount: number; readonly idleCount: number; readonly waitingCount: number }>;

/** The states of connections, and that of requests which wait for one. */
export const CONNECTION_STATES = ['used', 'idle', 'waiting'] as const;

/** Statements, and the pools that they use. */
export function databaseMetrics(registers: Registers, connections: () => PoolsByName | undefined): ObserveStatement {
  const observe = createDurations({
    name: 'gateway_database_statement_duration_seconds',
    help: 'Time of statements from sending to the result, without waiting for a connection, by pool (main, batches, moving, standby, standby-batches, standby-looks) and outcome',
    labelNames: ['pool', 'outcome'],
    registers,
  });
  new Gauge({
    name: 'gateway_database_connections',
    help: 'Connections by pool and state (used, idle), and requests that wait for one (waiting)',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      for (const [pool, { totalCount, idleCount, waitingCount }] of connections() ?? []) {
        const counts = { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
        for (const state of CONNECTION_STATES) this.set({ pool, state }, counts[state]);
      }
    },
  });
  return (pool) => {
    const began = performance.now();
    return (error) => observe((performance.now() - began) / 1000, pool, error === undefined ? 'done' : 'failed');
  };
}

/** Where lists are read, if there is a standby. */
export function standbyMetrics(registers: Registers, awayFor: () => number | undefined): (read: ListRead) => void {
  const reads = new Counter({
    name: 'gateway_list_reads_total',
    help: 'Statements of lists and usage, if there is a standby: read there (standby), or from the primary and why (behind, away, conflict, failed; unknown: the primary did not say how much the standby must have replayed)',
    labelNames: ['outcome'],
    registers,
  });
  new Gauge({
    name: 'gateway_standby_away_seconds',
    help: 'For how long lists have been read from the primary although there is a standby; 0 while they are read from it. Without a standby, it has no value',
    registers,
    collect() {
      const seconds = awayFor();
      if (seconds !== undefined) this.set(seconds);
    },
  });
  return (outcome) => reads.inc({ outcome });
}
