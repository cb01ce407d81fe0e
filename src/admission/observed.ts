import type { Authentication } from './authentication.ts';
import { isRefusal } from './authentication.ts';
import { type Fairness, OverloadError } from './fairness.ts';
import type { CallerQuota } from './quota.ts';
import type { RateLimit } from './rate-limit.ts';

// Reports of requests and refusals, for metrics. Without an observer, nothing here is part of a request's path.

/** A report of a request over HTTP that was answered, whatever its answer is. A stream is reported once it begins. */
export interface RequestReport {
  /** The face, or what else it was for: `graph`, `contract`, `restcomm`, `teams`, `health`, … */
  readonly face: string;
  readonly status: number;
  readonly durationMs: number;
}

/** A limit that a request, an operation or a connection was refused by (docs/operating.md, Limits). */
type LimitName = 'rate' | 'failed-attempts' | 'waiting-operations' | 'sockets' | 'subscriptions';

/** Receives each refusal by a limit. Must not throw. */
export type ObserveRefusal = (limit: LimitName) => void;

/** Reports refusals by the organizations' rate. */
export const observedRate = (rateLimit: RateLimit, observe: ObserveRefusal): RateLimit => ({
  ...rateLimit,
  take: async (organizationSid, enterpriseSid) => {
    const verdict = await rateLimit.take(organizationSid, enterpriseSid);
    if (verdict.retryAfter !== undefined) observe('rate');
    return verdict;
  },
});

/** Reports refusals after too many failed attempts. */
export const observedAttempts =
  (authenticate: Authentication, observe: ObserveRefusal): Authentication =>
  async (request, peer) => {
    const outcome = await authenticate(request, peer);
    if (isRefusal(outcome) && outcome.status === 429) observe('failed-attempts');
    return outcome;
  };

/** Reports operations of accounts that have too many waiting. */
export const observedTurns = (turns: Fairness, observe: ObserveRefusal): Fairness => ({
  ...turns,
  run: (name, operation, isAbandoned) => {
    const result = turns.run(name, operation, isAbandoned);
    result.catch((error) => {
      if (error instanceof OverloadError) observe('waiting-operations');
    });
    return result;
  },
});

/** Reports callers that have too many open. */
export const observedQuota = (quota: CallerQuota, limit: 'sockets' | 'subscriptions', observe: ObserveRefusal): CallerQuota => ({
  ...quota,
  take: (caller) => {
    const reached = quota.take(caller);
    if (reached) observe(limit);
    return reached;
  },
});
