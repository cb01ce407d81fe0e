import type { Logger } from 'pino';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { createHoldBack } from './hold-back.ts';
import type { ObserveRefusal } from './observed.ts';
import { shareOf } from './quota.ts';

const WINDOW_SECONDS = 60;
/** A Redis that does not respond within this counts as lost. */
const REDIS_TIMEOUT_MS = 250;
/** How long a lost Redis is not asked again, so that its timeout does not delay every request. */
const REDIS_PAUSE_MS = 5000;

/** How much of its limit an organization has left. */
export interface Rate {
  /** Requests in a minute. */
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until the organization's window ends. */
  readonly resetAfter: number;
}

interface RateVerdict {
  readonly rate: Rate;
  /** Whole seconds until the organization's window ends. Absent: the request is within the limit. */
  readonly retryAfter?: number;
  /** RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10), and Retry-After for a refused request. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface RateLimit {
  /**
   * Counts a request of an organization's account or of one of its enterprises' admins, whom accounts make at will: counted each alone, they would
   * multiply the limit. The verdict on a refused one is delayed. Never throws.
   * @param enterpriseSid of credentials for one enterprise only, which have half of the limit, so that they cannot use up their organization's
   */
  readonly take: (organizationSid: string, enterpriseSid?: string) => Promise<RateVerdict>;
  readonly close: () => void;
}

interface RateLimitOptions {
  /** Requests of one organization in a minute. */
  readonly perMinute: number;
  /** Counts for all instances together. Without it, or while it is lost, each instance counts for itself. */
  readonly redisUrl?: string;
  readonly observeRefusal?: ObserveRefusal;
  readonly log: Logger;
}

/** Limits the requests of each organization, in windows of a minute that begin with its first request. */
export async function createRateLimit({ perMinute, redisUrl, observeRefusal, log }: RateLimitOptions): Promise<RateLimit> {
  const policy = `"account";q=${perMinute};w=${WINDOW_SECONDS}`;
  const limits = { points: perMinute, duration: WINDOW_SECONDS };
  const local = new RateLimiterMemory(limits);
  const holdBack = createHoldBack();
  const shared = redisUrl === undefined ? undefined : await connectRedis(redisUrl, limits, log);

  async function consume(sid: string): Promise<RateLimiterRes> {
    try {
      return await (shared?.isConnected() ? shared.limiter : local).consume(sid);
    } catch (outcome) {
      // The limiter throws its result when the limit is exceeded.
      if (outcome instanceof RateLimiterRes) return outcome;
      shared?.lost(outcome);
      return local.consume(sid).catch((exceeded: RateLimiterRes) => exceeded);
    }
  }

  return {
    take: async (organizationSid, enterpriseSid) => {
      const ofEnterprise = enterpriseSid ? await consume(enterpriseSid) : undefined;
      const isAboveShare = ofEnterprise !== undefined && ofEnterprise.consumedPoints > shareOf(perMinute);
      const outcome = isAboveShare ? ofEnterprise : await consume(organizationSid);
      const { consumedPoints, msBeforeNext } = outcome;
      const remainingPoints = isAboveShare ? 0 : outcome.remainingPoints;
      const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
      const headers = { 'ratelimit-policy': policy, ratelimit: `"account";r=${remainingPoints};t=${seconds}` };
      const rate = { limit: perMinute, remaining: remainingPoints, resetAfter: seconds };
      if (!isAboveShare && consumedPoints <= perMinute) return { rate, headers };
      await holdBack(organizationSid);
      observeRefusal?.('rate');
      return { rate, retryAfter: seconds, headers: { ...headers, 'retry-after': String(seconds) } };
    },
    close: () => shared?.close(),
  };
}

/** A limiter that counts in Redis. ioredis is loaded only when this is called. */
async function connectRedis(url: string, limits: { points: number; duration: number }, log: Logger) {
  // In the bundle, a CommonJS package that is imported dynamically has only the default export.
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
  let isLossLogged = false;
  const lost = (error: unknown) => {
    pausedUntil = performance.now() + REDIS_PAUSE_MS;
    if (!isLossLogged) log.warn({ err: error }, 'lost the connection to Redis: each instance counts requests for itself');
    isLossLogged = true;
  };
  client.on('error', lost);
  client.on('ready', () => {
    isLossLogged = false;
    pausedUntil = 0;
  });
  const limiter: RateLimiterAbstract = new RateLimiterRedis({ ...limits, storeClient: client, keyPrefix: 'teams-sms-gateway:rate' });
  return {
    limiter,
    lost,
    isConnected: () => client.status === 'ready' && performance.now() >= pausedUntil,
    close: () => client.disconnect(),
  };
}
