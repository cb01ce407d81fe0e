// Times to delivery are kept in buckets, since a median of sums needs no single times then. The database's function delivery_bucket has the same bounds.

/** From one bound to the next but one, times double. */
const STEP = Math.SQRT2;
const FIRST_MS = 16;
const BOUNDS = 46;

/** The bounds between buckets, in ms. A bucket's number is how many bounds are at most its times. */
export const DELIVERY_BOUNDS: readonly number[] = Array.from({ length: BOUNDS }, (_, at) => Math.round(FIRST_MS * STEP ** at));

/** How many messages were delivered within the times of a bucket. */
interface DeliveryCount {
  readonly bucket: number;
  readonly messages: number;
}

/**
 * Estimates a quantile of times to delivery: the middle of the bucket that it is in, by ratio. So it is wrong by a factor of 2 to the power of 1/4 at most, 19 %,
 * from 16 ms to 26 hours.
 * @param delivered may have a bucket several times
 * @returns in ms; `null` if none was delivered
 */
export function deliveryQuantile(delivered: readonly DeliveryCount[], quantile: number): number | null {
  const counts = new Map<number, number>();
  for (const { bucket, messages } of delivered) counts.set(bucket, (counts.get(bucket) ?? 0) + messages);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  let seen = 0;
  for (const [bucket, count] of [...counts].sort(([one], [other]) => one - other)) {
    seen += count;
    if (seen >= quantile * total) return middleOf(bucket);
  }
  return null;
}

function middleOf(bucket: number): number {
  if (bucket === 0) return FIRST_MS / 2;
  if (bucket >= BOUNDS) return DELIVERY_BOUNDS[BOUNDS - 1] as number;
  return Math.round(Math.sqrt((DELIVERY_BOUNDS[bucket - 1] as number) * (DELIVERY_BOUNDS[bucket] as number)));
}
