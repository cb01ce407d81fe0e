/** After so many attempts, about an hour and a half, a message is set aside as stuck. */
export const RETRY_LIMIT = 24;

const FIRST_MS = 500;
const LONGEST_MS = 5 * 60_000;

/** The pause before attempt `attempt + 1`, in ms: doubling from half a second to five minutes, half of it at random. */
export function nextPause(attempt: number): number {
  const full = Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS);
  return Math.round(full / 2 + Math.random() * (full / 2));
}
