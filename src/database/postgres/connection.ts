import pg from 'pg';

/**
 * A connection that knows how long it has waited for a result, so that it can be closed: any further statement on it, even a ROLLBACK, would wait as long.
 * pg's own `query_timeout` creates a timer for every statement.
 *
 * A dropped connection never crashes the process: the pool does not listen to it while it hands it over, so it handles its own 'error' events. Its holder
 * finds out at the next query.
 */
export class WatchedClient extends pg.Client {
  #pendingAnswers = 0;
  #waitingSince = 0;
  readonly #prepared = new Set<string>();

  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', () => {});
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg's query has many overloads
  override query(...args: any[]): any {
    const name = args[0]?.name;
    if (name) this.#prepared.add(name);
    const query = super.query as (...args: unknown[]) => unknown;
    // pg itself monitors a statement that has its own timeout.
    if (args[0]?.query_timeout !== undefined) return query.apply(this, args);
    const last = args.length - 1;
    const hasCallback = typeof args[last] === 'function';
    if (hasCallback) args[last] = afterAnswer(args[last], this);
    this.startWaiting();
    const answer = query.apply(this, args);
    if (!hasCallback) {
      const done = afterAnswer(noop, this) as () => void;
      Promise.resolve(answer).then(done, done);
    }
    return answer;
  }

  /** How many statements the connection has prepared. */
  get prepared(): number {
    return this.#prepared.size;
  }

  startWaiting(): void {
    if (this.#pendingAnswers === 0) this.#waitingSince = performance.now();
    this.#pendingAnswers += 1;
  }

  stopWaiting(): void {
    this.#pendingAnswers -= 1;
    this.#waitingSince = performance.now();
  }

  /** Closes the connection if it has waited for a result for `ms`. Its pending statements fail with `Query read timeout`. */
  closeIfUnresponsive(ms: number): void {
    if (this.#pendingAnswers === 0 || performance.now() - this.#waitingSince < ms) return;
    const { stream } = (this as unknown as { connection: { stream: { destroy(error: Error): void } } }).connection;
    stream.destroy(new Error('Query read timeout'));
  }
}

/** Outside of `query`, since V8 moves everything that closures of `query` capture to the old generation (docs/performance.md). */
const afterAnswer = (callback: (...outcome: unknown[]) => void, client: WatchedClient) => (error: unknown, result: unknown) => {
  client.stopWaiting();
  callback(error, result);
};
const noop = () => {};

/** How many times within the timeout each connection is checked. */
const CHECKS_PER_TIMEOUT = 6;

/** Closes the pool's connections that do not respond within `ms`. */
export function closeUnresponsive(pool: pg.Pool, ms: number): void {
  const clients = new Set<WatchedClient>();
  let timer: NodeJS.Timeout | undefined;
  pool.on('connect', (client) => {
    clients.add(client as unknown as WatchedClient);
    timer ??= setInterval(() => {
      for (const watched of clients) watched.closeIfUnresponsive(ms);
    }, ms / CHECKS_PER_TIMEOUT).unref();
  });
  pool.on('remove', (client) => {
    clients.delete(client as unknown as WatchedClient);
    if (clients.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  });
}
