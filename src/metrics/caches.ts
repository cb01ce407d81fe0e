import { Counter } from 'prom-client';
import type { Registers } from './registers.ts';

/** Caches, by what they hold. */
export function countedCache(registers: Registers): <Cache extends { get(key: string): unknown }>(name: string, cache: Cache) => Cache {
  const lookUps = new Counter({
    name: 'gateway_cache_lookups_total',
    help: 'Look-ups in caches, by cache and result (hit or miss)',
    labelNames: ['cache', 'result'],
    registers,
  });
  return (name, cache) => ({
    ...cache,
    get: (key: string) => {
      const value = cache.get(key);
      lookUps.inc({ cache: name, result: value === undefined ? 'miss' : 'hit' });
      return value;
    },
  });
}
