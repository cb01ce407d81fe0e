import { EventEmitter } from 'node:events';
import type pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { renewPlans } from '../../src/database/renew-plans.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A connection that is acquired once each 100 ms for so long. @returns in which seconds after the first use its plans were renewed */
function renewedAt(uses: readonly { pauseMs: number; forMs: number }[]): number[] {
  const pool = new EventEmitter();
  renewPlans(pool as pg.Pool, 1000, 10_000);
  const began = performance.now();
  const seconds: number[] = [];
  const client = {
    query: async (text: string) => {
      expect(text).toBe('DISCARD PLANS');
      seconds.push(Math.round((performance.now() - began) / 1000));
    },
  };
  for (const { pauseMs, forMs } of uses) {
    vi.advanceTimersByTime(pauseMs);
    for (let ms = 0; ms < forMs; ms += 100) {
      pool.emit('acquire', client);
      vi.advanceTimersByTime(100);
    }
  }
  return seconds;
}

test('plans are kept for as long as their connection had been busy when they were made, between 1 and 10 s', () => {
  expect(renewedAt([{ pauseMs: 0, forMs: 40_000 }])).toEqual([0, 1, 2, 4, 8, 16, 26, 36]);
});

test('after a pause, plans are short-lived again, since the tables may have filled from nothing', () => {
  expect(
    renewedAt([
      { pauseMs: 0, forMs: 30_000 },
      { pauseMs: 60_000, forMs: 5000 },
    ]),
  ).toEqual([0, 1, 2, 4, 8, 16, 26, 90, 91, 92, 94]);
});

test('each connection has plans of its own', () => {
  const pool = new EventEmitter();
  renewPlans(pool as pg.Pool, 1000, 10_000);
  const queries = [vi.fn(async () => {}), vi.fn(async () => {})];
  for (const query of queries) pool.emit('acquire', { query });
  for (const query of queries) expect(query).toHaveBeenCalledTimes(1);
});
