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
   * @throws OverloadError where as many wait as may
   */
  readonly run: <Result>(account: string, operation: () => Promise<Result> | Result, isWanted?: () => boolean) => Promise<Result>;
}

/**
 * Reads are the database's and this process's work: its one thread does one thing at a time, so an account that floods it must run next to
 * nothing at once for others' reads to be as fast as before, and may run more while it is alone. The database's pool has ten connections.
 */
export const READS: FairnessOptions = { running: 8, contended: 1, waiting: 500 };
/** Changes wait for the platforms most of the time, and take little else meanwhile. */
export const CHANGES: FairnessOptions = { running: 16, contended: 16, waiting: 500 };

/** For how long an account that has run something counts as one that has something to run. */
const CONTENDED_MS = 1000;
/** How long an account with a queue lets those without one go first, at most, so that it always gets on. */
const YIELDING_MS = 50;

interface Account {
  readonly name: string;
  running: number;
  readonly waiting: (() => void)[];
  /** When it last began something, in ms. */
  beganAt: number;
}

/**
 * Keeps one account from taking the database and this process for itself. What it asks beyond waits in its own queue, and nobody else behind it.
 * While others are there, an account with a queue also begins nothing as long as those without one have something running.
 */
export function createFairness({ running, contended, waiting }: FairnessOptions): Fairness {
  /** Those that have something running or waiting. */
  const accounts = new Map<string, Account>();
  /** Of those, the ones that have something waiting. They take turns. */
  const queues = new Set<Account>();
  let timer: NodeJS.Timeout | undefined;
  /** Who came last, and when another than that one did. */
  let latest: string | undefined;
  let latestAt = Number.NEGATIVE_INFINITY;
  let othersAt = Number.NEGATIVE_INFINITY;

  function came(name: string): Account {
    if (name !== latest) {
      othersAt = latestAt;
      latest = name;
    }
    latestAt = performance.now();
    const account = accounts.get(name) ?? { name, running: 0, waiting: [], beganAt: 0 };
    accounts.set(name, account);
    return account;
  }

  function mayBegin(account: Account): boolean {
    const now = performance.now();
    const others = account.name === latest ? othersAt : latestAt;
    return account.running < (now - others < CONTENDED_MS ? contended : running);
  }

  /** Others without a queue have something running. */
  function yields(account: Account): boolean {
    if (contended === running || performance.now() - account.beganAt >= YIELDING_MS) return false;
    // All that run may be few, and nobody's queue is asked more often than something ends.
    for (const other of accounts.values()) if (other !== account && other.running > 0 && other.waiting.length === 0) return true;
    return false;
  }

  function begin(account: Account): void {
    account.running += 1;
    account.beganAt = performance.now();
  }

  /** Begins what may begin now. */
  function goOn(): void {
    let held = false;
    for (const account of [...queues]) {
      while (account.waiting.length > 0 && mayBegin(account)) {
        if (yields(account)) {
          held = true;
          break;
        }
        account.waiting.shift()?.();
      }
      queues.delete(account);
      if (account.waiting.length > 0) queues.add(account);
      else if (account.running === 0) accounts.delete(account.name);
    }
    if (!held || timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      goOn();
    }, YIELDING_MS);
  }

  return {
    run: async (name, operation, isWanted) => {
      const account = came(name);
      if (account.waiting.length > 0 || !mayBegin(account)) {
        if (account.waiting.length >= waiting) throw new OverloadError(`${waiting} operations of this account wait already`);
        await new Promise<void>((resolve) => {
          account.waiting.push(() => {
            if (isWanted && !isWanted()) return;
            begin(account);
            resolve();
          });
          queues.add(account);
        });
      } else {
        begin(account);
      }
      try {
        return await operation();
      } finally {
        account.running -= 1;
        if (account.running === 0 && account.waiting.length === 0) accounts.delete(name);
        if (queues.size > 0) goOn();
      }
    },
  };
}
