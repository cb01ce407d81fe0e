import pg from 'pg';

/**
 * A connection that knows for how long it has waited for an answer, so that it can be given up: whatever is asked behind one that does not come, be it
 * the ROLLBACK, would wait as long. pg's own `query_timeout` makes a timer for every statement, for what happens once a year.
 *
 * That it ended never ends the process: the pool listens but for the moment in which it hands a connection over, and whoever has it learns by the
 * next statement.
 */
export class Connection extends pg.Client {
  #waiting = 0;
  #since = 0;
  readonly #prepared = new Set<string>();

  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', () => {});
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg's query has many forms
  override query(...given: any[]): any {
    const name = given[0]?.name;
    if (name) this.#prepared.add(name);
    const ask = super.query as (...given: unknown[]) => unknown;
    // Those with a time of their own are pg's to watch.
    if (given[0]?.query_timeout !== undefined) return ask.apply(this, given);
    const last = given.length - 1;
    const isToldByCallback = typeof given[last] === 'function';
    if (isToldByCallback) given[last] = afterwards(given[last], this);
    this.asked();
    const answer = ask.apply(this, given);
    if (!isToldByCallback) {
      const done = afterwards(nothing, this) as () => void;
      Promise.resolve(answer).then(done, done);
    }
    return answer;
  }

  /** How many statements it has prepared. */
  get prepared(): number {
    return this.#prepared.size;
  }

  asked(): void {
    if (this.#waiting === 0) this.#since = performance.now();
    this.#waiting += 1;
  }

  answered(): void {
    this.#waiting -= 1;
    this.#since = performance.now();
  }

  /** Ends it where an answer has not come for so long, in ms: who waits is told `Query read timeout`. */
  giveUpAfter(ms: number): void {
    if (this.#waiting === 0 || performance.now() - this.#since < ms) return;
    const { stream } = (this as unknown as { connection: { stream: { destroy(error: Error): void } } }).connection;
    stream.destroy(new Error('Query read timeout'));
  }
}

/** Made here, for V8 moves what closures of `query` itself hold to the old generation (docs/performance.md). */
const afterwards = (told: (...outcome: unknown[]) => void, connection: Connection) => (error: unknown, result: unknown) => {
  connection.answered();
  told(error, result);
};
const nothing = () => {};

/** How often connections are looked at, as a part of the time in which they are to answer. */
const LOOKS = 6;

/** Gives up the pool's connections whose answer does not come within `ms`. */
export function giveUpLate(pool: pg.Pool, ms: number): void {
  const connections = new Set<Connection>();
  let timer: NodeJS.Timeout | undefined;
  pool.on('connect', (client) => {
    connections.add(client as unknown as Connection);
    timer ??= setInterval(() => {
      for (const connection of connections) connection.giveUpAfter(ms);
    }, ms / LOOKS).unref();
  });
  pool.on('remove', (client) => {
    connections.delete(client as unknown as Connection);
    if (connections.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  });
}
