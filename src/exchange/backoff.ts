/** How a message is tried again that could not be handed over. */
export interface RetryPolicy {
  /** After so many attempts it is set aside as stuck. */
  readonly limit: number;
  /** What the first pause is measured by, in ms: it is this to twice this. */
  readonly firstPauseMs: number;
}

/** Twenty-four attempts take about an hour. */
export const RETRY_POLICY: RetryPolicy = { limit: 24, firstPauseMs: 500 };

const LONGEST_MS = 5 * 60_000;
/** A platform that asks for more is asked again all the same. */
const LONGEST_ASKED_MS = 60 * 60_000;

/**
 * The pause after so many attempts, in ms: doubling from the first to five minutes, half of it at random, and no shorter than the platform asks
 * for.
 */
export function nextPause({ firstPauseMs }: RetryPolicy, attempts: number, askedMs = 0): number {
  const full = Math.min(firstPauseMs * 2 ** attempts, LONGEST_MS);
  const own = Math.round(full / 2 + Math.random() * (full / 2));
  return Math.max(own, Math.min(Math.ceil(askedMs), LONGEST_ASKED_MS));
}
