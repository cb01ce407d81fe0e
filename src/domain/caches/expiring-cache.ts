import { LRUCache } from 'lru-cache';

/** A cached value and when it expires, in ms since 1970. */
interface ExpiringEntry<Value> {
  readonly value: Value;
  readonly until: number;
}

/**
 * An LRU cache whose entries expire at a wall-clock time, like credentials: lru-cache's own ttl uses a monotonic clock, which stops while a machine
 * sleeps.
 */
export class ExpiringCache<Value> {
  readonly #entries: LRUCache<string, ExpiringEntry<Value>>;

  constructor(maxEntries: number) {
    this.#entries = new LRUCache({ max: maxEntries });
  }

  get(key: string): ExpiringEntry<Value> | undefined {
    const entry = this.#entries.get(key);
    if (entry && entry.until > Date.now()) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  /** @param until when the entry expires, in ms since 1970 */
  set(key: string, value: Value, until: number): ExpiringEntry<Value> {
    const entry = { value, until };
    this.#entries.set(key, entry);
    return entry;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  deleteWhere(matches: (value: Value) => boolean): void {
    for (const [key, { value }] of [...this.#entries.entries()]) if (matches(value)) this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
