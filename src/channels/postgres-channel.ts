import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import type { OpenChannel } from './notify.ts';

interface PostgresChannel {
  /** The name of the channel to LISTEN on. */
  readonly channel: string;
  /** The connection's application_name in pg_stat_activity. */
  readonly name: string;
  /** The log line for a lost connection. */
  readonly lost: string;
}

const HINTS: PostgresChannel = {
  channel: 'teams_sms_gateway',
  name: 'teams-sms-gateway hints',
  lost: "lost the connection for hints; polling for other instances' changes",
};
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;
/** Detects a dead connection. */
const HEARTBEAT_MS = 30_000;
const TIMEOUT_MS = 5_000;

/**
 * Creates a channel over PostgreSQL's LISTEN and NOTIFY, on a connection of its own that is replaced when it is lost. It does not work through
 * a pooler that shares connections between statements.
 */
export function postgresChannel(databaseUrl: string, log: Logger, line = HINTS): OpenChannel {
  return ({ received, connected, lost: onLost }) => {
    const closing = new AbortController();
    let current: pg.Client | undefined;
    const kept = keepConnected();

    async function keepConnected(): Promise<void> {
      let pauseMs = FIRST_PAUSE_MS;
      while (!closing.signal.aborted) {
        const client = newClient(databaseUrl, line.name, received);
        const lost = new Promise<unknown>((resolve) => {
          client.on('error', resolve);
          client.on('end', () => resolve(new Error('The connection ended')));
          closing.signal.addEventListener('abort', resolve, { once: true });
        });
        const reason = await listenUntilLost(client, line.channel, lost, () => {
          pauseMs = FIRST_PAUSE_MS;
          current = client;
          connected();
        });
        current = undefined;
        onLost?.();
        void client.end().catch(() => {});
        if (closing.signal.aborted) return;
        log.warn({ err: reason, retryInMs: pauseMs }, line.lost);
        await delay(pauseMs, undefined, { signal: closing.signal }).catch(() => {});
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      }
    }

    return {
      send: async (texts) => {
        if (!current) throw new Error('No connection');
        await current.query('SELECT pg_notify($1, text) FROM unnest($2::text[]) text', [line.channel, texts]);
      },
      close: async () => {
        closing.abort();
        await kept;
      },
    };
  };
}

function newClient(databaseUrl: string, name: string, received: (text: string) => void): pg.Client {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: name,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    keepAlive: true,
  });
  client.on('notification', ({ payload }) => payload && received(payload));
  return client;
}

/** @returns the reason why the connection is lost */
async function listenUntilLost(client: pg.Client, channel: string, lost: Promise<unknown>, listening: () => void): Promise<unknown> {
  let heartbeat: NodeJS.Timeout | undefined;
  try {
    await client.connect();
    await client.query(`LISTEN ${channel}`);
    listening();
    const silent = new Promise<unknown>((resolve) => {
      heartbeat = setInterval(() => client.query('SELECT 1').catch(resolve), HEARTBEAT_MS);
    });
    return await Promise.race([lost, silent]);
  } catch (error) {
    return error;
  } finally {
    clearInterval(heartbeat);
  }
}
