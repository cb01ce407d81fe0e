import { purgeAccessTokens } from '../domain/access/access-tokens.ts';
import { trimAuditLog } from '../domain/access/audit-log.ts';
import { resolveMappingUsers } from '../domain/enterprises/mapping-users.ts';
import type { Gateway } from '../domain/gateway.ts';
import { purgeIdempotencyKeys } from '../domain/idempotency.ts';
import { trimEvents } from '../domain/messages/events.ts';
import { type Dispatcher, type DispatcherOptions, startDispatcher } from './dispatcher.ts';
import { type Jobs, startJobs } from './jobs.ts';
import { LOOK_BACK, reconcileStatuses, recoverInbound } from './reconciler.ts';

export interface Exchange {
  /** Something was enqueued: look now. */
  wake(): void;
  /** Hands over no more, and resolves when what is under way has its answer. */
  stop(): Promise<void>;
}

export interface ExchangeOptions extends DispatcherOptions {
  /** How long message events are kept, in days. */
  readonly eventRetentionDays: number;
  /** How long the audit log is kept, in days. */
  readonly auditRetentionDays: number;
}

const DAY_MS = 24 * 60 * 60_000;

/** Moves messages: works on the outbox, and looks after what the platforms did not tell. */
export function startExchange(gateway: Gateway, options: ExchangeOptions): Exchange {
  const dispatcher: Dispatcher = startDispatcher(gateway, options);
  let nextLookBack = LOOK_BACK.afterOutage;
  const recover = async (signal: AbortSignal) => {
    const lookBackMs = nextLookBack;
    nextLookBack = LOOK_BACK.afterOutage;
    await recoverInbound(gateway, { lookBackMs, signal });
    nextLookBack = LOOK_BACK.usual;
  };
  const jobs: Jobs = startJobs(gateway, [
    { name: 'reconcile-statuses', everyMs: 30_000, run: (signal) => reconcileStatuses(gateway, { signal }) },
    { name: 'recover-inbound', everyMs: 60_000, run: recover },
    { name: 'resolve-mapping-users', everyMs: 15_000, run: (signal) => resolveMappingUsers(gateway, signal) },
    { name: 'trim-events', everyMs: 60 * 60_000, run: (signal) => trimEvents(gateway.prisma, options.eventRetentionDays * DAY_MS, signal) },
    {
      name: 'trim-audit-log',
      everyMs: 60 * 60_000,
      run: (signal) => trimAuditLog(gateway.prisma, options.auditRetentionDays * DAY_MS, signal),
    },
    { name: 'purge-idempotency-keys', everyMs: 60 * 60_000, run: () => purgeIdempotencyKeys(gateway.prisma) },
    { name: 'purge-access-tokens', everyMs: 60 * 60_000, run: () => purgeAccessTokens(gateway.prisma) },
  ]);
  return {
    wake: () => dispatcher.wake(),
    stop: async () => {
      await Promise.all([dispatcher.stop(), jobs.stop()]);
    },
  };
}
