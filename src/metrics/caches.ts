import type { Registers } from './registers.ts';
import { createTally } from './tally.ts';

/** Caches, by what they hold. */
export function countedCache(registers: Registers): <Cache extends { get(key: string): unknown }>(name: string, cache: Cache) => Cache {
  const count = createTally({
    name: 'gateway_cache_lookups_total',
    help: 'Look-ups in caches, by cache and result (hit or miss)',
    labelNames: ['cache', 'result'],
    registers,
  });
  return (name, cache) => ({
    ...cache,
    get: (key: string) => {
      const value = cache.get(key);
      count(name, value === undefined ? 'miss' : 'hit');
      return value;
    },
  });
}
