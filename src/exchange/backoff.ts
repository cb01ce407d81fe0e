/** When to retry a failed delivery, and when to stop. */
export interface RetryPolicy {
  /** After this many attempts the message is marked as stuck. */
  readonly limit: number;
  /** The first pause is between one and two times this, in ms. */
  readonly firstPauseMs: number;
  /** After this time a held lane is tried although nothing has happened that may be the cure, in ms. Doubles up to `maxProbeMs`. */
  readonly firstProbeMs: number;
  readonly maxProbeMs: number;
}

/** Twenty-four attempts take about an hour. */
export const RETRY_POLICY: RetryPolicy = { limit: 24, firstPauseMs: 500, firstProbeMs: 5 * 60_000, maxProbeMs: 60 * 60_000 };

interface Pauses extends Pick<RetryPolicy, 'firstPauseMs'> {
  /** The longest pause, in ms. Five minutes by default. */
  readonly maxPauseMs?: number;
  /** Upper bound for a Retry-After, in ms. An hour by default. */
  readonly maxRetryAfterMs?: number;
}

/**
 * Computes the pause before the next attempt: exponential up to the longest one, its upper half random, and never shorter than the Retry-After.
 * @param attempts how many attempts have been made
 * @param retryAfterMs the response's Retry-After, in ms
 * @returns the pause, in ms
 */
export function nextPause(
  { firstPauseMs, maxPauseMs = 5 * 60_000, maxRetryAfterMs = 60 * 60_000 }: Pauses,
  attempts: number,
  retryAfterMs = 0,
): number {
  const full = Math.min(firstPauseMs * 2 ** attempts, maxPauseMs);
  const jittered = Math.round(full / 2 + Math.random() * (full / 2));
  return Math.max(jittered, Math.min(Math.ceil(retryAfterMs), maxRetryAfterMs));
}
