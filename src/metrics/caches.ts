import { Counter } from 'prom-client';
import type { Registers } from './registers.ts';

/** Caches, by what they hold. */
export function countedCache(registers: Registers): <Cache extends { get(key: string): unknown }>(name: string, cache: Cache) => Cache {
  const caches = new Map<string, { hit: number; miss: number }>();
  new Counter({
    name: 'gateway_cache_lookups_total',
    help: 'Look-ups in caches, by cache and result (hit or miss)',
    labelNames: ['cache', 'result'],
    registers,
    collect() {
      this.reset();
      for (const [cache, { hit, miss }] of caches) {
        this.inc({ cache, result: 'hit' }, hit);
        this.inc({ cache, result: 'miss' }, miss);
      }
    },
  });
  return (name, cache) => {
    const counts = { hit: 0, miss: 0 };
    caches.set(name, counts);
    return {
      ...cache,
      get: (key: string) => {
        const value = cache.get(key);
        if (value === undefined) counts.miss += 1;
        else counts.hit += 1;
        return value;
      },
    };
  };
}
