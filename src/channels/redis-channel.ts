import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { OpenChannel } from './notify.ts';

const CHANNEL = 'teams-sms-gateway';
const MAX_PAUSE_MS = 10_000;
/** A connection on which a command gets no reply for this long is replaced. */
const REPLY_TIMEOUT_MS = 2_000;

/** Creates a channel over Redis' publish and subscribe, in place of PostgreSQL's LISTEN. */
export function redisChannel(redisUrl: string, log: Logger): OpenChannel {
  return ({ received, connected }) => {
    let lost = false;
    const connect = (role: string) => {
      const client = new Redis(redisUrl, {
        connectionName: `teams-sms-gateway ${role}`,
        // A hint that waits for the connection is worthless.
        enableOfflineQueue: false,
        autoResubscribe: false,
        connectTimeout: 5_000,
        socketTimeout: REPLY_TIMEOUT_MS,
        keepAlive: 30_000,
        retryStrategy: (attempts) => Math.min(100 * 2 ** (attempts - 1), MAX_PAUSE_MS),
      });
      client.on('error', (error) => {
        if (!lost) log.warn({ err: error }, "lost the connection to Redis; polling for other instances' changes");
        lost = true;
      });
      return client;
    };
    const publisher = connect('publisher');
    const subscriber = connect('subscriber');
    subscriber.on('message', (_channel, text) => received(text));
    subscriber.on('ready', () => {
      subscriber.subscribe(CHANNEL).then(
        () => {
          lost = false;
          connected();
        },
        // The connection was lost meanwhile; ioredis connects again.
        () => {},
      );
    });
    return {
      send: async (texts) => {
        await Promise.all(texts.map((text) => publisher.publish(CHANNEL, text)));
      },
      close: async () => {
        publisher.disconnect();
        subscriber.disconnect();
      },
    };
  };
}
