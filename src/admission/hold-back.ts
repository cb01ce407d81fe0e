import { setTimeout as delay } from 'node:timers/promises';

/** Each refusal is delayed by this. */
const DELAY_MS = 100;
/** Spaces an account's refusals: at most 500 a second, however many connections it has. */
const SPACING_MS = 2;
const MAX_DELAY_MS = 1000;

/** Resolves when a refusal may be sent to an account. */
type HoldBack = (account: string) => Promise<void>;

/**
 * Slows down clients that retry as soon as they are refused. One refusal is cheap, but thousands a second would take the processor from other accounts.
 */
export function createHoldBack(): HoldBack {
  /** By account, the time of its last scheduled refusal, by `performance.now()`. */
  const lastRefusals = new Map<string, number>();
  return async (account) => {
    const now = performance.now();
    const time = Math.min(Math.max(now + DELAY_MS, (lastRefusals.get(account) ?? 0) + SPACING_MS), now + MAX_DELAY_MS);
    lastRefusals.set(account, time);
    await delay(time - now);
    if (lastRefusals.get(account) === time) lastRefusals.delete(account);
  };
}
