import { createHoldBack } from './hold-back.ts';

/** Too many operations of one account wait already. */
export class OverloadError extends Error {
  override readonly name = 'OverloadError';
}

export interface FairnessOptions {
  /** Operations of one account that run at once. */
  readonly running: number;
  /** The same while other accounts have something to run too. */
  readonly contended: number;
  /** Operations of one account that may wait for their turn; those beyond are refused. */
  readonly waiting: number;
}

/** Runs what accounts want, none of them at the cost of the others. */
export interface Fairness {
  /**
   * Runs an operation of an account as soon as few enough of its others run, in the order in which they came.
   * @param isWanted asked when its turn comes: what nobody waits for any more is left out, and never settles
   * @throws OverloadError where as many wait as may, after a while
   */
  readonly run: <Result>(account: string, operation: () => Promise<Result> | Result, isWanted?: () => boolean) => Promise<Result>;
}

/**
 * Reads are the database's and this process's work: its one thread does one thing at a time, so an account that floods it must run next to
 * nothing at once for others' reads to be as fast as before, and may run more while it is alone. The database's pool has ten connections.
 */
export const READS: FairnessOptions = { running: 16, contended: 1, waiting: 500 };
/** Changes wait for the platforms most of the time, and take little else meanwhile. */
export const CHANGES: FairnessOptions = { running: 16, contended: 16, waiting: 500 };

/** For how long an account that has run something counts as one that has something to run. */
const CONTENDED_MS = 1000;
/** How long an account with a queue lets those without one go first, at most, so that it always gets on. */
const YIELDING_MS = 50;
/** How long it lets go by between two of its own, at least, else as long as the one before took: what those ask finds the process idle half the time. */
const PAUSE_MS = 1;
/** For how long after those have asked, in ms. */
const QUIET_MS = 100;

interface Account {
  readonly name: string;
  running: number;
  readonly waiting: (() => void)[];
  /** When it last began something, and ended something, in ms. */
  beganAt: number;
  endedAt: number;
}

/** Who did something last, and when another than that one did. */
class Latest {
  #name: string | undefined;
  #at = Number.NEGATIVE_INFINITY;
  #othersAt = Number.NEGATIVE_INFINITY;

  note(name: string): void {
    if (name !== this.#name) this.#othersAt = this.#at;
    this.#name = name;
    this.#at = performance.now();
  }

  /** How long ago another than this one did, in ms. */
  sinceOther(name: string): number {
    return performance.now() - (name === this.#name ? this.#othersAt : this.#at);
  }
}

/**
 * Keeps one account from taking the database and this process for itself. What it asks beyond waits in its own queue, and nobody else behind it.
 * While others are there that have no queue, one that has begins nothing as long as they have something running, and pauses between its own.
 */
export function createFairness({ running, contended, waiting }: FairnessOptions): Fairness {
  /** Those that have something running or waiting. */
  const accounts = new Map<string, Account>();
  /** Of those, the ones that have something waiting. They take turns. */
  const queues = new Set<Account>();
  let timer: NodeJS.Timeout | undefined;
  const holdBack = createHoldBack();
  const coming = new Latest();
  /** Those who found no queue of their own. */
  const unqueued = new Latest();

  function came(name: string): Account {
    coming.note(name);
    const account = accounts.get(name) ?? { name, running: 0, waiting: [], beganAt: 0, endedAt: 0 };
    accounts.set(name, account);
    return account;
  }

  const mayBegin = ({ name, running: own }: Account) => own < (coming.sinceOther(name) < CONTENDED_MS ? contended : running);

  /** Others without a queue have something running. */
  function othersRun(account: Account): boolean {
    // All that run may be few, and nobody's queue is asked more often than something ends.
    for (const other of accounts.values()) if (other !== account && other.running > 0 && other.waiting.length === 0) return true;
    return false;
  }

  /** For how many ms an account with a queue has to wait for others' sake, at most. */
  function heldFor(account: Account): number {
    if (contended === running || unqueued.sinceOther(account.name) > QUIET_MS) return 0;
    const now = performance.now();
    const yielding = account.beganAt + YIELDING_MS - now;
    if (yielding > 0 && othersRun(account)) return yielding;
    const took = Math.min(account.endedAt - account.beganAt, YIELDING_MS);
    return Math.max(0, account.endedAt + Math.max(PAUSE_MS, took) - now);
  }

  function begin(account: Account): void {
    account.running += 1;
    account.beganAt = performance.now();
  }

  /** Begins what may begin now. */
  function goOn(): void {
    let held = 0;
    for (const account of [...queues]) {
      while (account.waiting.length > 0 && mayBegin(account)) {
        const wait = heldFor(account);
        if (wait > 0) {
          held = held === 0 ? wait : Math.min(held, wait);
          break;
        }
        account.waiting.shift()?.();
      }
      queues.delete(account);
      if (account.waiting.length > 0) queues.add(account);
      else if (account.running === 0) accounts.delete(account.name);
    }
    clearTimeout(timer);
    timer = held > 0 ? setTimeout(goOn, held) : undefined;
  }

  return {
    run: async (name, operation, isWanted) => {
      const account = came(name);
      if (account.waiting.length > 0 || !mayBegin(account)) {
        if (account.waiting.length >= waiting) {
          await holdBack(name);
          throw new OverloadError(`${waiting} operations of this account wait already`);
        }
        await new Promise<void>((resolve) => {
          account.waiting.push(() => {
            if (isWanted && !isWanted()) return;
            begin(account);
            resolve();
          });
          queues.add(account);
        });
      } else {
        unqueued.note(name);
        begin(account);
      }
      try {
        return await operation();
      } finally {
        account.running -= 1;
        account.endedAt = performance.now();
        if (account.running === 0 && account.waiting.length === 0) accounts.delete(name);
        if (queues.size > 0) goOn();
      }
    },
  };
}
