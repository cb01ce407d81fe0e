import { actorOf, type Caller } from '../domain/caller.ts';
import type { Fairness } from './fairness.ts';
import type { Origins } from './origins.ts';
import type { RateLimit } from './rate-limit.ts';

/** What requests of all faces share: who may ask from where, how often, how many at once, for how long. */
export interface Admission {
  readonly origins: Origins;
  /** Absent: requests are not counted. */
  readonly rateLimit?: RateLimit;
  /** Of queries and the beginnings of subscriptions. */
  readonly reads: Fairness;
  /** Of mutations. */
  readonly changes: Fairness;
  /** From the request's arrival to the beginning of its answer, in ms. */
  readonly requestTimeoutMs: number;
}

/**
 * Runs an operation when it is its account's turn.
 * @param isOver asked when the turn comes: an operation that nobody waits for any more is left out, and never settles
 * @throws OverloadError when too many operations of the account wait already
 */
export function inTurn<Result>(
  { reads, changes }: Pick<Admission, 'reads' | 'changes'>,
  caller: Caller,
  kind: 'query' | 'mutation' | 'subscription',
  operation: () => Promise<Result> | Result,
  isOver?: () => boolean,
): Promise<Result> {
  const fairness = kind === 'mutation' ? changes : reads;
  return fairness.run(actorOf(caller), operation, isOver && (() => !isOver()));
}
