import type pg from 'pg';

/** Has each connection plan its statements anew, the first time that it is used after `everyMs`. */
export function renewPlans(pool: pg.Pool, everyMs: number): void {
  const renewedAt = new WeakMap<pg.PoolClient, number>();
  pool.on('acquire', (client) => {
    if (performance.now() - (renewedAt.get(client) ?? 0) < everyMs) return;
    renewedAt.set(client, performance.now());
    // Runs before the statement that the connection was acquired for, which reports if it is broken.
    client.query('DISCARD PLANS').catch(() => {});
  });
}
