import { actorOf, type Caller } from '../domain/caller.ts';
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
 * @param hasTimedOut asked when the turn comes: an operation whose request has timed out is dropped, and its promise never settles
 * @throws OverloadError if too many operations of the account are waiting
 */
export function inTurn<Result>(
  { reads, changes }: Pick<Admission, 'reads' | 'changes'>,
  caller: Caller,
  kind: 'query' | 'mutation' | 'subscription',
  operation: () => Promise<Result> | Result,
  hasTimedOut?: () => boolean,
): Promise<Result> {
  const fairness = kind === 'mutation' ? changes : reads;
  return fairness.run(actorOf(caller), operation, hasTimedOut);
}
