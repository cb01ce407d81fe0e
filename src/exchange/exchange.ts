import { purgeAccessTokens } from '../domain/access/access-tokens.ts';
import { trimAuditLog } from '../domain/access/audit-log.ts';
import { checkBots } from '../domain/bots/bot-health.ts';
import { purgeExports } from '../domain/bulk/exports.ts';
import { purgeImports } from '../domain/bulk/imports.ts';
import { trimEvents } from '../domain/events/events.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { Platform } from '../domain/hints.ts';
import { purgeIdempotencyKeys } from '../domain/idempotency.ts';
import { resolveMappingUsers } from '../domain/mappings/mapping-users.ts';
import { fillConversations } from '../domain/messages/fill-conversations.ts';
import { purgeTraces } from '../domain/messages/message-trace.ts';
import { deleteErased, erasePeople } from '../domain/privacy/erase-people.ts';
import { retainMessages } from '../domain/privacy/retain-messages.ts';
import { fillUsage, foldUsage } from '../domain/usage/fold-usage.ts';
import { purgeAttempts } from '../domain/webhooks/attempts.ts';
import { watchClock } from './jobs/clock.ts';
import { type ObserveJob, startJobs } from './jobs/jobs.ts';
import type { ObserveDisabled } from './observed.ts';
import { type DispatcherOptions, startDispatcher } from './outbox/dispatcher.ts';
import { requeueOrphans } from './outbox/orphans.ts';
import { restoreLanes } from './outbox/outbox.ts';
import { finishAccepted, RECOVER_INBOUND, reconcileStatuses, recoverInbound } from './restcomm/reconciler.ts';
import { startInstaller } from './teams/chats/installer.ts';
import { purgeNotices, startNoticeSender } from './teams/notice-sender.ts';
import { expireHeldTexts } from './teams/texts/held-texts.ts';
import { startWebhookSender } from './webhooks/sender.ts';

export interface Exchange {
  /** Checks the outbox and the notices now: something was added. */
  wake(platform?: Platform): void;
  /** Checks now whether apps are to be installed. */
  installable(): void;
  /** Checks the organization's webhook endpoints now: its event log has grown. */
  appended(organizationSid: string): void;
  /**
   * Starts no further delivery, and resolves when those in progress have ended.
   * @returns false if claims may remain until their leases expire, since the database did not let them be released
   */
  stop(): Promise<boolean>;
}

interface ExchangeOptions extends DispatcherOptions {
  /** How long message events are kept, in days. */
  readonly eventRetentionDays: number;
  /** How long messages are kept where neither their organization nor their enterprise says so, in days. Absent: for ever. */
  readonly messageRetentionDays?: number;
  /** How long the audit log is kept, in days. */
  readonly auditRetentionDays: number;
  /** Whether Restcomm is the embedded stand-in, which reports nothing of what it had accepted before a restart. */
  readonly isCarrierEmbedded: boolean;
  /** Receives a report of each run of a job. */
  readonly observeJob?: ObserveJob;
  /** Called for each webhook endpoint that the gateway disables. */
  readonly observeEndpointDisabled?: ObserveDisabled;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** Starts delivering messages from the outbox, and the periodic jobs: reconciling with the platforms, and deleting what has expired. */
export function startExchange(gateway: Gateway, options: ExchangeOptions): Exchange {
  const { prisma } = gateway;
  const dispatcher = startDispatcher(gateway, options);
  const notices = startNoticeSender(gateway);
  const webhooks = startWebhookSender(gateway, { observeDisabled: options.observeEndpointDisabled });
  const installer = startInstaller(gateway);
  const clock = watchClock(gateway);
  const eventRetentionMs = options.eventRetentionDays * DAY_MS;
  const auditRetentionMs = options.auditRetentionDays * DAY_MS;
  const jobs = startJobs({ prisma, log: gateway.log, observe: options.observeJob }, [
    { name: 'reconcile-statuses', everyMs: 30_000, run: (signal) => reconcileStatuses(gateway, { signal }) },
    { name: RECOVER_INBOUND, everyMs: 60_000, run: (signal) => recoverInbound(gateway, { signal }) },
    { name: 'resolve-mapping-users', everyMs: 15_000, run: (signal) => resolveMappingUsers(gateway, signal) },
    { name: 'check-bots', everyMs: 15_000, run: (signal) => checkBots(gateway, signal) },
    { name: 'trim-events', everyMs: HOUR_MS, run: (signal) => trimEvents(prisma, eventRetentionMs, signal) },
    { name: 'trim-audit-log', everyMs: HOUR_MS, run: (signal) => trimAuditLog(prisma, auditRetentionMs, signal) },
    { name: 'purge-idempotency-keys', everyMs: HOUR_MS, run: (signal) => purgeIdempotencyKeys(prisma, signal) },
    { name: 'purge-access-tokens', everyMs: HOUR_MS, run: (signal) => purgeAccessTokens(prisma, signal) },
    { name: 'purge-exports', everyMs: HOUR_MS, run: (signal) => purgeExports(prisma, signal) },
    { name: 'purge-imports', everyMs: HOUR_MS, run: (signal) => purgeImports(prisma, signal) },
    { name: 'requeue-orphans', everyMs: 60_000, run: (signal) => requeueOrphans(gateway, signal) },
    { name: 'restore-lanes', everyMs: 60_000, run: (signal) => restoreLanes(prisma, signal) },
    { name: 'fill-conversations', everyMs: 60_000, run: (signal) => fillConversations(gateway, signal) },
    { name: 'fill-usage', everyMs: 60_000, run: (signal) => fillUsage(prisma, signal) },
    { name: 'fold-usage', everyMs: 10_000, run: (signal) => foldUsage(prisma, signal) },
    { name: 'expire-held-texts', everyMs: 60_000, run: (signal) => expireHeldTexts(gateway, signal) },
    { name: 'purge-traces', everyMs: HOUR_MS, run: (signal) => purgeTraces(prisma, signal) },
    { name: 'purge-notices', everyMs: HOUR_MS, run: (signal) => purgeNotices(prisma, signal) },
    { name: 'retain-messages', everyMs: HOUR_MS, run: (signal) => retainMessages(gateway, options.messageRetentionDays, signal) },
    { name: 'erase-people', everyMs: 10_000, run: (signal) => erasePeople(gateway, signal) },
    { name: 'delete-erased', everyMs: HOUR_MS, run: (signal) => deleteErased(prisma, signal) },
    { name: 'purge-webhook-attempts', everyMs: HOUR_MS, run: (signal) => purgeAttempts(prisma, signal) },
  ]);
  const stopping = new AbortController();
  const finished = options.isCarrierEmbedded ? finishAccepted(gateway, stopping.signal).catch(logged(gateway)) : undefined;
  return {
    wake: (platform) => {
      dispatcher.wake(platform);
      if (platform) return;
      notices.wake();
      // A bot that was changed may install now.
      installer.wake();
    },
    installable: () => installer.wake(),
    appended: (organizationSid) => webhooks.wake(organizationSid),
    stop: async () => {
      stopping.abort();
      const loops = Promise.all([dispatcher.stop(), notices.stop(), webhooks.stop(), installer.stop()]);
      await Promise.all([loops, jobs.stop(), clock.stop(), finished]);
      return (await loops).every((isReleased) => isReleased);
    },
  };
}

const logged =
  ({ log }: Gateway) =>
  (error: unknown) =>
    log.error({ err: error }, 'cannot finish what the embedded carrier had accepted; the next reconciliation does');
