import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { OpenChannel } from './notify.ts';

const CHANNEL = 'teams-sms-gateway';
const LONGEST_PAUSE_MS = 10_000;
/** A Redis that leaves a command unanswered for so long, in ms, is connected to anew. */
const SILENCE_MS = 2_000;

/** Redis' publish and subscribe, for where a pooler stands between the gateway and PostgreSQL's LISTEN. */
export function redisChannel(redisUrl: string, log: Logger): OpenChannel {
  return ({ received, connected }) => {
    let lost = false;
    const connect = (role: string) => {
      const client = new Redis(redisUrl, {
        connectionName: `teams-sms-gateway ${role}`,
        // A hint that waits for the connection is worth nothing.
        enableOfflineQueue: false,
        autoResubscribe: false,
        connectTimeout: 5_000,
        socketTimeout: SILENCE_MS,
        keepAlive: 30_000,
        retryStrategy: (attempts) => Math.min(100 * 2 ** (attempts - 1), LONGEST_PAUSE_MS),
      });
      client.on('error', (error) => {
        if (!lost) log.warn({ err: error }, 'no hints from other instances: Redis is lost; the timer takes over');
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
        // The connection went meanwhile; it comes again.
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
