import type pg from 'pg';

/** What a connection does with its plans, by performance.now(). */
interface Planned {
  /** Since when it has been used without a pause of `maxMs`. */
  busySince: number;
  usedAt: number;
  renewedAt: number;
}

/**
 * Has each connection plan its statements anew the first time that it is used after a while: a plan that was made while a table was nearly empty reads all
 * of it, and would do so once it is full. After a pause, a plan is kept for `minMs`. Later plans are kept as long as the connection had been busy when they
 * were made. One that is polled is always busy: after hours without messages, its plans live for `maxMs`.
 * @param maxMs the longest that a plan is kept, and the pause after which plans are kept for `minMs` again
 */
export function renewPlans(pool: pg.Pool, minMs: number, maxMs: number): void {
  const connections = new WeakMap<pg.PoolClient, Planned>();
  pool.on('acquire', (client) => {
    const now = performance.now();
    const known = connections.get(client) ?? { busySince: now, usedAt: now, renewedAt: Number.NEGATIVE_INFINITY };
    connections.set(client, known);
    if (now - known.usedAt > maxMs) known.busySince = now;
    known.usedAt = now;
    const lifetime = Math.min(Math.max(known.renewedAt - known.busySince, minMs), maxMs);
    if (now - known.renewedAt < lifetime) return;
    known.renewedAt = now;
    // Runs before the statement that the connection was acquired for, which reports if it is broken.
    client.query('DISCARD PLANS').catch(() => {});
  });
}
