import { actorOf, type Caller } from '../domain/caller.ts';
import type { ClientInterest } from './client-interest.ts';
import type { Fairness } from './fairness.ts';
import type { Origins } from './origins.ts';
import type { RateLimit } from './rate-limit.ts';

/** The limits on the requests of all faces together. */
export interface Admission {
  readonly origins: Origins;
  /** Absent: requests are not counted. */
  readonly rateLimit?: RateLimit;
  /** The queues of queries, and of subscriptions that are being opened. */
  readonly reads: Fairness;
  /** The queues of mutations. */
  readonly changes: Fairness;
  /** From a request's arrival to the beginning of its response, in ms. */
  readonly requestTimeoutMs: number;
}

/**
 * Runs an operation when it is its account's turn.
 * @param interest asked when the turn comes: an operation whose request has timed out, or a query whose client has gone, is dropped, and its promise never
 *   settles. A mutation that has begun runs to its end.
 * @throws OverloadError if too many operations of the account are waiting
 */
export function inTurn<Result>(
  { reads, changes }: Pick<Admission, 'reads' | 'changes'>,
  caller: Caller,
  kind: 'query' | 'mutation' | 'subscription',
  operation: () => Promise<Result> | Result,
  interest?: ClientInterest,
): Promise<Result> {
  if (kind !== 'mutation') return reads.run(actorOf(caller), operation, interest && (() => interest.isLost()));
  interest?.keep();
  return changes.run(actorOf(caller), operation, interest && (() => interest.hasTimedOut));
}
