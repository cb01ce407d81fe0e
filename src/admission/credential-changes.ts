import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { PrismaClient } from '../../prisma/client/client.ts';
import { postgresChannel } from '../channels/postgres-channel.ts';
import type { KeptRows } from '../domain/caches/kept-rows.ts';

/**
 * Triggers send the sid of every account, admin and access token whose credentials changed (migration 20261124050000_credentials), and of every mapping
 * that changed (20261129090000_kept_mappings).
 */
const CHANNEL = 'teams_sms_gateway_credentials';
/** Begins a probe: other payloads are sids. */
const PROBE = 'probe ';
const PROBE_INTERVAL_MS = 5000;
/** A probe that takes longer counts as lost. */
const PROBE_TIMEOUT_MS = 2000;

interface CredentialChangesOptions {
  readonly databaseUrl: string;
  /** Must not share the listening connection, so that a probe crosses the server. */
  readonly prisma: PrismaClient;
  /** What is kept in memory, and dropped as it changes. */
  readonly kept: readonly Pick<KeptRows<unknown>, 'drop' | 'hears'>[];
  readonly log: Logger;
}

/**
 * Drops verified credentials and mappings from memory when they change, whichever process changes them: this one, another instance, the command line. They are
 * kept only while notifications are known to arrive: every 5 s a probe is sent over another connection. Behind a pooler that shares connections
 * between statements, no probe arrives, and every request queries the database.
 */
export function followCredentialChanges({ databaseUrl, prisma, kept, log }: CredentialChangesOptions): { close(): Promise<void> } {
  let expectedProbe: string | undefined;
  let deadline: NodeJS.Timeout | undefined;

  function probe(): void {
    expectedProbe = `${PROBE}${randomUUID()}`;
    clearTimeout(deadline);
    deadline = setTimeout(stopKeeping, PROBE_TIMEOUT_MS).unref();
    prisma.$executeRaw`SELECT pg_notify(${CHANNEL}, ${expectedProbe})`.catch(() => {});
  }

  function received(payload: string): void {
    if (!payload.startsWith(PROBE)) {
      for (const each of kept) each.drop(payload);
    } else if (payload === expectedProbe) {
      clearTimeout(deadline);
      expectedProbe = undefined;
      for (const each of kept) each.hears(true);
    }
  }

  function stopKeeping(): void {
    expectedProbe = undefined;
    for (const each of kept) each.hears(false);
  }

  const openChannel = postgresChannel(databaseUrl, log, {
    channel: CHANNEL,
    name: 'teams-sms-gateway credentials',
    lost: 'lost the notifications of credential changes: verifying credentials at every request',
  });
  const channel = openChannel({ received, connected: probe, lost: stopKeeping });
  const timer = setInterval(probe, PROBE_INTERVAL_MS).unref();

  return {
    close: async () => {
      clearInterval(timer);
      clearTimeout(deadline);
      await channel.close();
    },
  };
}
