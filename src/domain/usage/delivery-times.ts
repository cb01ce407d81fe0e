// Times to delivery are kept in buckets, since a median of sums needs no single times then. The database's function delivery_bucket has the same bounds.

/** From one bound to the next but one, times double. */
const STEP = Math.SQRT2;
const FIRST_MS = 16;
const BOUNDS = 46;

/** The bounds between buckets, in ms. A bucket's number is how many bounds are at most its times. */
export const DELIVERY_BOUNDS: readonly number[] = Array.from({ length: BOUNDS }, (_, at) => Math.round(FIRST_MS * STEP ** at));

/**
 * Estimates a quantile of times to delivery: the middle of the bucket that it is in, by ratio. So it is wrong by a factor of 2 to the power of 1/4 at most, 19 %,
 * from 16 ms to 26 hours.
 * @param counts how many messages were delivered within the times of each bucket
 * @returns in ms; `null` if none was delivered
 */
export function deliveryQuantile(counts: ArrayLike<number>, quantile: number): number | null {
  let total = 0;
  for (let at = 0; at < counts.length; at++) total += counts[at] as number;
  if (total <= 0) return null;
  let [bucket, seen] = [-1, 0];
  while (seen < quantile * total || seen === 0) {
    bucket += 1;
    seen += counts[bucket] as number;
  }
  return middleOf(bucket);
}

function middleOf(bucket: number): number {
  if (bucket === 0) return FIRST_MS / 2;
  if (bucket >= BOUNDS) return DELIVERY_BOUNDS[BOUNDS - 1] as number;
  return Math.round(Math.sqrt((DELIVERY_BOUNDS[bucket - 1] as number) * (DELIVERY_BOUNDS[bucket] as number)));
}
