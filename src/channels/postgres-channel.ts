import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import type { OpenChannel } from './notify.ts';

/** What goes over a connection. */
interface Line {
  /** The channel that it listens on. */
  readonly channel: string;
  /** The connection's name in pg_stat_activity. */
  readonly name: string;
  /** What the log says of its loss. */
  readonly lost: string;
}

const HINTS: Line = {
  channel: 'teams_sms_gateway',
  name: 'teams-sms-gateway hints',
  lost: 'no hints from other instances: their connection is lost; the timer takes over',
};
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A connection that is dead without knowing it is found out. */
const HEARTBEAT_MS = 30_000;
const TIMEOUT_MS = 5_000;

/** LISTEN and NOTIFY over a connection of its own, which is made again whenever it is lost. A pooler that shares connections between statements breaks it. */
export function postgresChannel(databaseUrl: string, log: Logger, line = HINTS): OpenChannel {
  return ({ received, connected, lost: onLost }) => {
    const closing = new AbortController();
    let current: pg.Client | undefined;
    const kept = keep();

    async function keep(): Promise<void> {
      let pause = FIRST_PAUSE_MS;
      while (!closing.signal.aborted) {
        const client = newClient();
        const lost = new Promise<unknown>((resolve) => {
          client.on('error', resolve);
          client.on('end', () => resolve(new Error('The connection ended')));
          closing.signal.addEventListener('abort', resolve, { once: true });
        });
        const reason = await listen(client, line.channel, lost, () => {
          pause = FIRST_PAUSE_MS;
          current = client;
          connected();
        });
        current = undefined;
        onLost?.();
        void client.end().catch(() => {});
        if (closing.signal.aborted) return;
        log.warn({ err: reason, retryInMs: pause }, line.lost);
        await delay(pause, undefined, { signal: closing.signal }).catch(() => {});
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }

    function newClient(): pg.Client {
      const client = new pg.Client({
        connectionString: databaseUrl,
        application_name: line.name,
        connectionTimeoutMillis: TIMEOUT_MS,
        query_timeout: TIMEOUT_MS,
        keepAlive: true,
      });
      client.on('notification', ({ payload }) => payload && received(payload));
      return client;
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

/** Listens until the connection is lost. @returns why it is */
async function listen(client: pg.Client, channel: string, lost: Promise<unknown>, listening: () => void): Promise<unknown> {
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
