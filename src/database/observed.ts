import { AsyncResource } from 'node:async_hooks';
import type pg from 'pg';

/** The pools of connections (postgres/postgres.ts), and those of a standby. The embedded database has only `main`. */
export type PoolName = 'main' | 'batches' | 'moving' | 'standby' | 'standby-batches' | 'standby-looks';

/**
 * Called when a statement is sent.
 * @returns a function to call when its result has come, or its error. Neither must throw
 */
export type ObserveStatement = (pool: PoolName, text: string) => (error?: unknown) => void;

type Answered = (error: unknown, result: unknown) => void;

/** Has each connection of a pool report its statements. Without it, connections are as pg makes them. */
export function observeStatements(pool: pg.Pool, name: PoolName, observe: ObserveStatement): void {
  pool.on('connect', (client) => {
    const query = client.query as unknown as (...args: unknown[]) => unknown;
    // biome-ignore lint/suspicious/noExplicitAny: pg's query has many overloads
    (client as any).query = (...args: any[]): any => {
      const ended = observe(name, typeof args[0] === 'string' ? args[0] : (args[0]?.text ?? ''));
      const last = args.length - 1;
      if (typeof args[last] === 'function') {
        args[last] = reported(args[last], ended);
        return query.apply(client, args);
      }
      const answer = query.apply(client, args);
      Promise.resolve(answer).then(() => ended(), ended);
      return answer;
    };
  });
}

const reported =
  (answered: Answered, ended: (error?: unknown) => void): Answered =>
  (error, result) => {
    ended(error ?? undefined);
    answered(error, result);
  };

/** Has statements that wait for a connection run in the asynchronous context that requested it, rather than in that which released it. */
export function keepContexts(pool: pg.Pool): void {
  const connect = pool.connect as unknown as (callback?: (...args: unknown[]) => unknown) => unknown;
  // biome-ignore lint/suspicious/noExplicitAny: pg's connect has two overloads
  (pool as any).connect = (callback?: (...args: unknown[]) => unknown) => {
    if (!callback) return connect.call(pool);
    // AsyncResource.bind costs many times as much: it defines deprecated properties.
    const trace = new AsyncResource('Connection');
    return connect.call(pool, (...args) => trace.runInAsyncScope(callback, undefined, ...args));
  };
}
