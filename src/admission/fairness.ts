import { createHoldBack } from './hold-back.ts';
import type { ObserveRefusal } from './observed.ts';

/** Too many operations of one account are waiting. */
export class OverloadError extends Error {
  override readonly name = 'OverloadError';
  /** In seconds. A queue gets shorter with every operation that ends. */
  readonly retryAfter = 1;
}

export interface FairnessOptions {
  /** Operations of one account that run at once. */
  readonly maxRunning: number;
  /** The same while other accounts are active. */
  readonly maxRunningContended: number;
  /** Operations of one account that wait. Further ones are refused. */
  readonly maxWaiting: number;
  /** A queued account does not pause after an operation that took less, in ms; 0 unless given. */
  readonly briefMs?: number;
}

/** Schedules operations so that no account slows down another. */
export interface Fairness {
  /**
   * Runs an operation when few enough others of its account run; those that wait run in order of arrival.
   * @param account its sid
   * @param isAbandoned asked when the operation's turn comes: an operation that nobody awaits is dropped, and its promise never settles
   * @throws OverloadError, after a delay, if `maxWaiting` operations of the account are waiting
   */
  readonly run: <Result>(account: string, operation: () => Promise<Result> | Result, isAbandoned?: () => boolean) => Promise<Result>;
  /** Notes that an account is active, though with nothing that is scheduled here: those with a queue yield to it. */
  readonly note: (account: string) => void;
}

/**
 * Reads occupy the database and this process's only thread. An account that floods it must run one at a time for others' reads to stay fast; alone, it
 * may run more. The database's pool has ten connections.
 */
export const READS: FairnessOptions = { maxRunning: 16, maxRunningContended: 1, maxWaiting: 500 };
/** Changes mostly wait for the platforms, and occupy neither. */
export const CHANGES: FairnessOptions = { maxRunning: 16, maxRunningContended: 16, maxWaiting: 500 };

/** How long after its last operation an account counts as active, in ms. */
const ACTIVE_MS = 1000;
/** The longest that a queued account waits for others without a queue to finish, in ms. Bounded, so that it always proceeds. */
const MAX_YIELD_MS = 50;
/**
 * Minimum pause between two operations of a queued account, in ms; longer if the last one took longer, so that the process is free for others half
 * of the time.
 */
const PAUSE_MS = 1;
/** How long a queued account pauses after the last operation of an account without a queue, in ms. */
const YIELDING_MS = 100;

interface AccountLoad {
  readonly name: string;
  running: number;
  /** Start the operations that wait, in order of arrival. */
  readonly waiting: (() => void)[];
  /** When its last operation began and ended, in ms. */
  beganAt: number;
  endedAt: number;
}

/** Remembers which account was last active, and when another was. */
class LastSeen {
  #name: string | undefined;
  #at = Number.NEGATIVE_INFINITY;
  #othersAt = Number.NEGATIVE_INFINITY;

  note(name: string): void {
    if (name !== this.#name) this.#othersAt = this.#at;
    this.#name = name;
    this.#at = performance.now();
  }

  /** How long ago any other account was active, in ms. */
  sinceOther(name: string): number {
    return performance.now() - (name === this.#name ? this.#othersAt : this.#at);
  }
}

/** The accounts with operations, and whose turn it is. */
class Turns {
  readonly #options: FairnessOptions;
  /** Those with an operation that runs or waits. */
  readonly #accounts = new Map<string, AccountLoad>();
  /** Those with an operation that waits, in the order of their turns. */
  readonly #queued = new Set<AccountLoad>();
  #timer: NodeJS.Timeout | undefined;
  readonly #arrivals = new LastSeen();
  /** Operations that started without waiting. */
  readonly #unqueuedArrivals = new LastSeen();

  constructor(options: FairnessOptions) {
    this.#options = options;
  }

  arrive(name: string): AccountLoad {
    this.#arrivals.note(name);
    const account = this.#accounts.get(name) ?? { name, running: 0, waiting: [], beganAt: 0, endedAt: 0 };
    this.#accounts.set(name, account);
    return account;
  }

  note(name: string): void {
    this.#arrivals.note(name);
    if (!this.#accounts.get(name)?.waiting.length) this.#unqueuedArrivals.note(name);
  }

  /**
   * Begins an operation if its account may run another and has none waiting.
   * @returns whether it has begun
   */
  beginUnqueued(account: AccountLoad): boolean {
    if (account.waiting.length > 0 || !this.#mayBegin(account)) return false;
    this.#unqueuedArrivals.note(account.name);
    begin(account);
    return true;
  }

  /** Resolves when the operation has begun; never if it is abandoned by then. */
  enqueue(account: AccountLoad, isAbandoned: (() => boolean) | undefined): Promise<void> {
    return new Promise((resolve) => {
      account.waiting.push(() => {
        if (isAbandoned?.()) return;
        begin(account);
        resolve();
      });
      this.#queued.add(account);
    });
  }

  end(account: AccountLoad): void {
    account.running -= 1;
    account.endedAt = performance.now();
    this.#forgetIdle(account);
    if (this.#queued.size > 0) this.#beginQueued();
  }

  #mayBegin({ name, running }: AccountLoad): boolean {
    const { maxRunning, maxRunningContended } = this.#options;
    return running < (this.#arrivals.sinceOther(name) < ACTIVE_MS ? maxRunningContended : maxRunning);
  }

  /** Begins the waiting operations that may begin, and sets a timer for the others. */
  #beginQueued = (): void => {
    let nextTry = Number.POSITIVE_INFINITY;
    for (const account of [...this.#queued]) {
      while (account.waiting.length > 0 && this.#mayBegin(account)) {
        const yielding = this.#yieldFor(account);
        if (yielding > 0) {
          nextTry = Math.min(nextTry, yielding);
          break;
        }
        account.waiting.shift()?.();
      }
      // To the end of the line.
      this.#queued.delete(account);
      if (account.waiting.length > 0) this.#queued.add(account);
      else this.#forgetIdle(account);
    }
    clearTimeout(this.#timer);
    this.#timer = nextTry === Number.POSITIVE_INFINITY ? undefined : setTimeout(this.#beginQueued, nextTry);
  };

  /** How long a queued account yields to accounts without a queue, in ms; it may be less. */
  #yieldFor(account: AccountLoad): number {
    const { maxRunning, maxRunningContended, briefMs = 0 } = this.#options;
    if (account.endedAt - account.beganAt < briefMs) return 0;
    if (maxRunningContended === maxRunning || this.#unqueuedArrivals.sinceOther(account.name) > YIELDING_MS) return 0;
    const now = performance.now();
    const untilMaxYield = account.beganAt + MAX_YIELD_MS - now;
    if (untilMaxYield > 0 && this.#isOtherRunning(account)) return untilMaxYield;
    const lastTook = Math.min(account.endedAt - account.beganAt, MAX_YIELD_MS);
    return Math.max(0, account.endedAt + Math.max(PAUSE_MS, lastTook) - now);
  }

  /** Whether another account without a queue runs an operation. Few accounts run at once, so a loop is fast enough. */
  #isOtherRunning(account: AccountLoad): boolean {
    for (const other of this.#accounts.values()) if (other !== account && other.running > 0 && other.waiting.length === 0) return true;
    return false;
  }

  #forgetIdle({ name, running, waiting }: AccountLoad): void {
    if (running === 0 && waiting.length === 0) this.#accounts.delete(name);
  }
}

function begin(account: AccountLoad): void {
  account.running += 1;
  account.beganAt = performance.now();
}

/**
 * Keeps one account from monopolizing the database and this process: operations above its share wait in its own queue. While accounts without
 * a queue are active, one with a queue lets them finish first, and pauses between its own operations.
 */
export function createFairness(options: FairnessOptions, observeRefusal?: ObserveRefusal): Fairness {
  const turns = new Turns(options);
  const holdBack = createHoldBack();
  return {
    note: (name) => turns.note(name),
    run: async (name, operation, isAbandoned) => {
      const account = turns.arrive(name);
      if (!turns.beginUnqueued(account)) {
        if (account.waiting.length >= options.maxWaiting) {
          await holdBack(name);
          observeRefusal?.('waiting-operations');
          throw new OverloadError(`This account already has ${options.maxWaiting} operations waiting`);
        }
        await turns.enqueue(account, isAbandoned);
      }
      try {
        return await operation();
      } finally {
        turns.end(account);
      }
    },
  };
}
