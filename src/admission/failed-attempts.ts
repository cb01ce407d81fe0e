import { isIPv6 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { createQuota } from './quota.ts';

export interface FailedAttemptsOptions {
  /** Failed attempts from one address in a minute. After that, its unverified credentials are refused until the minute is over. */
  readonly perAddress: number;
  /** Failed attempts with one user name in a minute. After that, each further attempt is delayed. */
  readonly perName: number;
  /** The longest delay, in ms. The first is a hundredth of it; each later one is twice the one before. */
  readonly maxDelayMs: number;
}

export const FAILED_ATTEMPTS: FailedAttemptsOptions = { perAddress: 20, perName: 10, maxDelayMs: 2000 };

const WINDOW_SECONDS = 60;
/** Attempts in progress at once, for one address and in total. */
const MAX_PENDING_PER_ADDRESS = 32;
const MAX_PENDING = 2000;

/** An attempt that may be verified. `end` must be called, whatever its outcome. */
interface LoginAttempt {
  end(hasFailed: boolean): void;
}

/** Slows down the guessing of credentials. Each instance counts for itself. */
interface FailedAttempts {
  /**
   * Resolves when an attempt may be verified. Attempts with a name that often failed are delayed, not refused, whether or not the name exists,
   * and from every address, so that nobody can lock out its owner.
   * @param name of the user, digested; `undefined` for an access token
   * @returns the attempt, or the seconds after which its address may try again
   */
  begin(address: string | undefined, name: string | undefined): Promise<LoginAttempt | { readonly retryAfter: number }>;
}

export function createFailedAttempts({ perAddress, perName, maxDelayMs }: FailedAttemptsOptions = FAILED_ATTEMPTS): FailedAttempts {
  const byNetwork = new RateLimiterMemory({ points: perAddress, duration: WINDOW_SECONDS });
  const byName = new RateLimiterMemory({ points: perName, duration: WINDOW_SECONDS });
  const pendingByNetwork = createQuota(MAX_PENDING_PER_ADDRESS);
  let pending = 0;

  function leave(network: string): void {
    pending -= 1;
    pendingByNetwork.release(network);
  }

  async function delayFor(name: string): Promise<void> {
    const failures = await byName.get(name);
    const excess = hasExpired(failures) ? -1 : failures.consumedPoints - perName;
    if (excess >= 0) await delay(Math.min(maxDelayMs, (maxDelayMs / 100) * 2 ** Math.min(excess, 30)));
  }

  return {
    begin: async (address, name) => {
      const network = networkOf(address);
      if (pending >= MAX_PENDING || !pendingByNetwork.take(network)) return { retryAfter: 1 };
      pending += 1;
      const failures = await byNetwork.get(network);
      if (!hasExpired(failures) && failures.consumedPoints >= perAddress) {
        leave(network);
        return { retryAfter: Math.max(1, Math.ceil(failures.msBeforeNext / 1000)) };
      }
      if (name !== undefined) await delayFor(name);
      return {
        end: (hasFailed) => {
          leave(network);
          if (!hasFailed) return;
          void byNetwork.penalty(network);
          if (name !== undefined) void byName.penalty(name);
        },
      };
    },
  };
}

/** The limiter may keep a count slightly longer than its minute. */
const hasExpired = (count: RateLimiterRes | null): count is null => !count || count.msBeforeNext <= 0;

/**
 * The network that an address belongs to: the /64 of an IPv6 address, which one customer has as a whole, and any other address itself.
 * @param address may be an IPv4 address mapped to IPv6
 */
export function networkOf(address = ''): string {
  const [withoutZone = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(withoutZone)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(withoutZone)) return withoutZone;
  // The URL parser normalizes an address to its shortest form.
  const [head = '', tail] = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1).split('::');
  const groups = head ? head.split(':') : [];
  if (tail !== undefined) {
    const tailGroups = tail ? tail.split(':') : [];
    groups.push(...Array(8 - groups.length - tailGroups.length).fill('0'), ...tailGroups);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
