/** After so many attempts, in about an hour, a message is set aside as stuck. */
export const RETRY_LIMIT = 24;

const FIRST_MS = 500;
const LONGEST_MS = 5 * 60_000;
/** A platform that asks for more is asked again all the same. */
const LONGEST_ASKED_MS = 60 * 60_000;

/**
 * The pause after so many attempts, in ms: doubling from half a second to five minutes, half of it at random, and no shorter than the platform
 * asks for.
 */
export function nextPause(attempts: number, askedMs = 0): number {
  const full = Math.min(FIRST_MS * 2 ** attempts, LONGEST_MS);
  const own = Math.round(full / 2 + Math.random() * (full / 2));
  return Math.max(own, Math.min(Math.ceil(askedMs), LONGEST_ASKED_MS));
}
