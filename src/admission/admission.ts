import type { Fairness } from './fairness.ts';
import type { Origins } from './origins.ts';
import type { RateLimit } from './rate-limit.ts';

/** What a request of either face passes before it is run, beside authentication. */
export interface Admission {
  readonly origins: Origins;
  /** Absent: requests are not counted. */
  readonly rateLimit?: RateLimit;
  /** Of queries and the beginnings of subscriptions. */
  readonly reads: Fairness;
  /** Of mutations. */
  readonly changes: Fairness;
  /** How long an answer may take, from the request's arrival to the beginning of its answer. */
  readonly requestTimeoutMs: number;
}
