import { isIPv6 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';

export interface FailedAttemptsOptions {
  /** Attempts of one address that may fail in a minute. Then those that are still to be verified are refused until the minute is over. */
  readonly ofAddress: number;
  /** Attempts with one name that may fail in a minute before the next have to wait. */
  readonly ofName: number;
  /** The longest wait, in ms. It begins with a hundredth of this and doubles. */
  readonly longestDelayMs: number;
}

export const FAILED_ATTEMPTS: FailedAttemptsOptions = { ofAddress: 20, ofName: 10, longestDelayMs: 2000 };

const WINDOW_SECONDS = 60;
/** Attempts of one address, and of all, that may be under way at once. */
const UNDER_WAY = 32;
const UNDER_WAY_OF_ALL = 2000;

/** An attempt that may be verified. Its end is told, whatever it was. */
export interface Attempt {
  end(failed: boolean): void;
}

/** Slows those who guess. Each instance counts for itself. */
export interface FailedAttempts {
  /**
   * Resolves when the attempt may be verified: late where many failed with this name, whoever's it is and from wherever they came, so that nobody
   * can lock its owner out.
   * @returns after how many seconds to come again, where it may not
   */
  begin(address: string | undefined, name: string | undefined): Promise<Attempt | { readonly retryAfter: number }>;
}

export function createFailedAttempts({ ofAddress, ofName, longestDelayMs }: FailedAttemptsOptions = FAILED_ATTEMPTS): FailedAttempts {
  const addresses = new RateLimiterMemory({ points: ofAddress, duration: WINDOW_SECONDS });
  const names = new RateLimiterMemory({ points: ofName, duration: WINDOW_SECONDS });
  const underWay = new Map<string, number>();
  let all = 0;

  function enter(origin: string): (() => void) | undefined {
    const count = underWay.get(origin) ?? 0;
    if (count >= UNDER_WAY || all >= UNDER_WAY_OF_ALL) return undefined;
    underWay.set(origin, count + 1);
    all += 1;
    return () => {
      all -= 1;
      const left = (underWay.get(origin) ?? 0) - 1;
      if (left > 0) underWay.set(origin, left);
      else underWay.delete(origin);
    };
  }

  async function waitFor(name: string): Promise<void> {
    const failed = await names.get(name);
    const excess = isOver(failed) ? -1 : failed.consumedPoints - ofName;
    if (excess >= 0) await delay(Math.min(longestDelayMs, (longestDelayMs / 100) * 2 ** Math.min(excess, 30)));
  }

  return {
    begin: async (address, name) => {
      const origin = originOf(address);
      const leave = enter(origin);
      if (!leave) return { retryAfter: 1 };
      const failed = await addresses.get(origin);
      if (!isOver(failed) && failed.consumedPoints >= ofAddress) {
        leave();
        return { retryAfter: Math.max(1, Math.ceil(failed.msBeforeNext / 1000)) };
      }
      if (name !== undefined) await waitFor(name);
      return {
        end: (hasFailed) => {
          leave();
          if (!hasFailed) return;
          void addresses.penalty(origin);
          if (name !== undefined) void names.penalty(name);
        },
      };
    },
  };
}

/** Has its minute passed? Then it is forgotten, but perhaps not yet. */
const isOver = (counted: RateLimiterRes | null): counted is null => !counted || counted.msBeforeNext <= 0;

/** Whom an address stands for: an IPv6 network of 64 bits is one customer's, and IPv4 in IPv6 is IPv4. */
export function originOf(address = ''): string {
  const [bare = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(bare)) return bare;
  // The URL parser writes an address in its one short form.
  const [left = '', right] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::');
  const groups = left ? left.split(':') : [];
  if (right !== undefined) {
    const tail = right ? right.split(':') : [];
    groups.push(...Array(8 - groups.length - tail.length).fill('0'), ...tail);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
