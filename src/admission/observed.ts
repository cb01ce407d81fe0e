import type { CallerQuota } from './quota.ts';

// Reports of requests and refusals, for metrics. Each limit reports its refusals itself: wrapping the limits would cost each request another promise,
// which is more than all counting costs.

/** A report of a request over HTTP that was answered, whatever its answer is. A stream is reported once it begins. */
export interface RequestReport {
  /** The face, or what else it was for: `graph`, `contract`, `restcomm`, `teams`, `health`, … */
  readonly face: string;
  readonly status: number;
  readonly durationMs: number;
}

/** The limits that a request, an operation or a connection is refused by (docs/operating.md, Limits). */
export const LIMITS = ['rate', 'failed-attempts', 'waiting-operations', 'sockets', 'subscriptions', 'downloads', 'uploads'] as const;
type LimitName = (typeof LIMITS)[number];

/** Receives each refusal by a limit. Must not throw. */
export type ObserveRefusal = (limit: LimitName) => void;

/** Reports callers that have too many open. */
export const observedQuota = (quota: CallerQuota, limit: 'sockets' | 'subscriptions', observe: ObserveRefusal): CallerQuota => ({
  ...quota,
  take: (caller) => {
    const reached = quota.take(caller);
    if (reached) observe(limit);
    return reached;
  },
});
