/** The largest request body that either face reads: 1 MiB. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Limits that settings change. */
export interface Limits {
  /** REQUEST_TIMEOUT, in ms. */
  readonly requestTimeoutMs: number;
  /** MAX_SOCKETS_PER_ACCOUNT, on each instance. An enterprise's admin counts for the account that made it. */
  readonly socketsPerAccount: number;
  /** MAX_SUBSCRIPTIONS_PER_ACCOUNT, in the same way, over all transports. */
  readonly subscriptionsPerAccount: number;
}

export const DEFAULT_LIMITS: Limits = { requestTimeoutMs: 30_000, socketsPerAccount: 1000, subscriptionsPerAccount: 10_000 };
