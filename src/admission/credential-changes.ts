import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { PrismaClient } from '../../prisma/client/client.ts';
import { postgresChannel } from '../channels/postgres-channel.ts';
import type { VerifiedCredentials } from '../domain/verified-credentials.ts';

/** Triggers name on it the sid of every account, admin and access token whose credentials changed (migration 20261124050000_credentials). */
const CHANNEL = 'teams_sms_gateway_credentials';
/** Begins a text that is no change. */
const PROBE = 'probe ';
const PROBE_MS = 5000;
/** What takes longer does not arrive. */
const PROBE_TIMEOUT_MS = 2000;

interface Options {
  readonly databaseUrl: string;
  /** Other connections than the listening one. */
  readonly prisma: PrismaClient;
  readonly verified: VerifiedCredentials;
  readonly log: Logger;
}

/**
 * Tells the kept credentials what became of them, whichever process changed it: this one, another instance, the command line. They are kept only
 * while that is certain to arrive: every 5 s something is sent over another connection to see that it does. It does not behind a pooler that shares
 * connections between statements, where every request asks the database, as it did before there was anything to keep.
 */
export function followCredentialChanges({ databaseUrl, prisma, verified, log }: Options): { close(): Promise<void> } {
  let expected: string | undefined;
  let deadline: NodeJS.Timeout | undefined;

  const line = {
    channel: CHANNEL,
    name: 'teams-sms-gateway credentials',
    lost: 'credentials are verified at each request: changes are not heard of',
  };
  const channel = postgresChannel(
    databaseUrl,
    log,
    line,
  )({
    received: (text) => {
      if (!text.startsWith(PROBE)) return verified.drop(text);
      if (text !== expected) return;
      clearTimeout(deadline);
      expected = undefined;
      verified.hears(true);
    },
    connected: probe,
    lost: deaf,
  });
  const timer = setInterval(probe, PROBE_MS).unref();

  function probe(): void {
    expected = `${PROBE}${randomUUID()}`;
    clearTimeout(deadline);
    deadline = setTimeout(deaf, PROBE_TIMEOUT_MS).unref();
    prisma.$executeRaw`SELECT pg_notify(${CHANNEL}, ${expected})`.catch(() => {});
  }

  function deaf(): void {
    expected = undefined;
    verified.hears(false);
  }

  return {
    close: async () => {
      clearInterval(timer);
      clearTimeout(deadline);
      await channel.close();
    },
  };
}
