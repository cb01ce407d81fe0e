import { ExpiringCache } from './expiring-cache.ts';

/** What was read and may be kept, unless it changes meanwhile. */
interface KeptReading<Value> {
  /**
   * Caches what was read, unless one of the rows it depends on has changed since the reading began.
   * @param until when it expires, in ms since 1970, if that is before the end of the cache's own lifetime
   */
  keep(key: string, value: Value, until?: number): void;
  /** Ends the reading. Must be called, whatever the outcome. */
  end(): void;
}

/** Caches what was read from rows, until one of them changes, whichever process changes it. */
export interface KeptRows<Value> {
  get(key: string): Value | undefined;
  begin(): KeptReading<Value>;
  /** Drops what depends on the row with this sid. Call it after the change is committed. */
  drop(sid: string): void;
  /** Sets whether this process is notified of changes that other processes make. While it is not, nothing is cached: a change could be missed. */
  hears(changes: boolean): void;
}

interface KeptRowsOptions<Value> {
  readonly maxEntries: number;
  /** How long an entry is kept at most, in ms. */
  readonly lifetimeMs: number;
  /** The sids of the rows that an entry depends on. */
  readonly dependenciesOf: (value: Value) => readonly (string | undefined)[];
  /** The initial value of `hears`: true if no other process changes the rows. */
  readonly hears: boolean;
}

/** Creates an empty cache. */
export function createKeptRows<Value>({ maxEntries, lifetimeMs, dependenciesOf, ...options }: KeptRowsOptions<Value>): KeptRows<Value> {
  const entries = new ExpiringCache<Value>(maxEntries);
  const running = new Set<Set<string>>();
  let hears = options.hears;
  /** Increases each time `hears` changes: what was read before must not be cached after. */
  let epoch = 0;

  return {
    get: (key) => entries.get(key)?.value,
    begin: () => {
      const dropped = new Set<string>();
      const startEpoch = epoch;
      running.add(dropped);
      return {
        keep: (key, value, until = Number.POSITIVE_INFINITY) => {
          if (dependenciesOf(value).some((sid) => sid !== undefined && dropped.has(sid))) return;
          if (hears && startEpoch === epoch) entries.set(key, value, Math.min(until, Date.now() + lifetimeMs));
        },
        end: () => void running.delete(dropped),
      };
    },
    drop: (sid) => {
      for (const dropped of running) dropped.add(sid);
      entries.deleteWhere((value) => dependenciesOf(value).includes(sid));
    },
    hears: (changes) => {
      if (changes === hears) return;
      hears = changes;
      epoch += 1;
      entries.clear();
    },
  };
}
