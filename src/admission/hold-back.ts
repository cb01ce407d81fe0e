import { setTimeout as delay } from 'node:timers/promises';

/** How long one that is refused waits to be told, in ms. */
const HELD_MS = 100;
/** At least so long after the account's one before: however many connections it has, 500 a second of its own are told. */
const APART_MS = 2;
const LONGEST_MS = 1000;

/** Resolves when an account that asks too much may be told so. */
export type HoldBack = (account: string) => Promise<void>;

/**
 * Slows clients that ask again as soon as they are refused: a refusal costs little, but thousands of them a second would take this process from
 * everybody else.
 */
export function createHoldBack(): HoldBack {
  /** When the last one of each account that has some held is told. */
  const last = new Map<string, number>();
  return async (account) => {
    const now = performance.now();
    const at = Math.min(Math.max(now + HELD_MS, (last.get(account) ?? 0) + APART_MS), now + LONGEST_MS);
    last.set(account, at);
    await delay(at - now);
    if (last.get(account) === at) last.delete(account);
  };
}
