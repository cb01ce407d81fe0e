import type { Logger } from 'pino';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { createHoldBack } from './hold-back.ts';

const WINDOW_SECONDS = 60;
/** A Redis that takes longer to count is gone. */
const REDIS_TIMEOUT_MS = 250;
/** How long one that was gone is not asked, so that its silence holds up one request and not each. */
const REDIS_PAUSE_MS = 5000;

/** What the limit says of one request. */
export interface RateVerdict {
  /** Whole seconds until requests are answered again; absent where this one is. */
  readonly retryAfter?: number;
  /** RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10), and Retry-After for one that is refused. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface RateLimit {
  /** Counts a request of an account. Takes its time over one that it refuses. Never throws. */
  readonly take: (accountSid: string) => Promise<RateVerdict>;
  readonly close: () => void;
}

interface RateLimitOptions {
  /** Requests a minute of each account. */
  readonly perMinute: number;
  /** Counts for all instances together. Without it, and while it is gone, each instance counts for itself. */
  readonly redisUrl?: string;
  readonly log: Logger;
}

/** A limit of requests by account, in windows of a minute that begin with its first request. */
export async function createRateLimit({ perMinute, redisUrl, log }: RateLimitOptions): Promise<RateLimit> {
  const policy = `"account";q=${perMinute};w=${WINDOW_SECONDS}`;
  const counting = { points: perMinute, duration: WINDOW_SECONDS };
  const local = new RateLimiterMemory(counting);
  const holdBack = createHoldBack();
  const shared = redisUrl === undefined ? undefined : await countInRedis(redisUrl, counting, log);

  async function consume(accountSid: string): Promise<RateLimiterRes> {
    try {
      return await (shared?.isThere() ? shared.limiter : local).consume(accountSid);
    } catch (outcome) {
      if (outcome instanceof RateLimiterRes) return outcome;
      // Redis went with this very request.
      shared?.lost(outcome);
      return local.consume(accountSid).catch((refused: RateLimiterRes) => refused);
    }
  }

  return {
    take: async (accountSid) => {
      const { consumedPoints, remainingPoints, msBeforeNext } = await consume(accountSid);
      const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
      const headers = { 'ratelimit-policy': policy, ratelimit: `"account";r=${remainingPoints};t=${seconds}` };
      if (consumedPoints <= perMinute) return { headers };
      await holdBack(accountSid);
      return { retryAfter: seconds, headers: { ...headers, 'retry-after': String(seconds) } };
    },
    close: () => shared?.close(),
  };
}

/** Loaded only where it is configured. */
async function countInRedis(url: string, counting: { points: number; duration: number }, log: Logger) {
  // Bundled, a CommonJS package that is loaded later has no other name than this.
  const { default: Redis } = await import('ioredis');
  const client = new Redis(url, {
    connectionName: 'teams-sms-gateway rate limit',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5000,
    commandTimeout: REDIS_TIMEOUT_MS,
    retryStrategy: (attempts) => Math.min(100 * 2 ** (attempts - 1), REDIS_PAUSE_MS),
  });
  let pausedUntil = 0;
  let isKnownLost = false;
  const lost = (error: unknown) => {
    pausedUntil = Date.now() + REDIS_PAUSE_MS;
    if (!isKnownLost) log.warn({ err: error }, 'Redis is lost: each instance limits rates for itself');
    isKnownLost = true;
  };
  client.on('error', lost);
  client.on('ready', () => {
    isKnownLost = false;
    pausedUntil = 0;
  });
  const limiter: RateLimiterAbstract = new RateLimiterRedis({ ...counting, storeClient: client, keyPrefix: 'teams-sms-gateway:rate' });
  return {
    limiter,
    lost,
    isThere: () => client.status === 'ready' && Date.now() >= pausedUntil,
    close: () => client.disconnect(),
  };
}
