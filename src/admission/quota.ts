import type { Caller } from '../domain/caller.ts';

/** Limits how many of something are in use for each key, e.g. an account's sockets. */
interface Quota {
  readonly maximum: number;
  /**
   * Takes one.
   * @returns false if the key has `maximum` already
   */
  readonly take: (key: string) => boolean;
  /** Returns one that was taken. */
  readonly release: (key: string) => void;
}

/** Counts within this process. */
export function createQuota(maximum: number): Quota {
  const counts = new Map<string, number>();
  return {
    maximum,
    take: (key) => {
      const count = counts.get(key) ?? 0;
      if (count >= maximum) return false;
      counts.set(key, count + 1);
      return true;
    },
    release: (key) => {
      const count = (counts.get(key) ?? 0) - 1;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
    },
  };
}

/** A limit that a caller has reached. */
interface Reached {
  readonly owner: 'account' | 'enterprise';
  readonly maximum: number;
}

/** Limits how many of something callers have open: an account and its enterprises' admins together, and the credentials of one enterprise. */
export interface CallerQuota {
  /**
   * Takes one.
   * @returns the limit that is reached, if one is; then nothing is taken
   */
  readonly take: (caller: Pick<Caller, 'accountSid' | 'enterpriseSid'>) => Reached | undefined;
  /** Returns one that was taken. */
  readonly release: (caller: Pick<Caller, 'accountSid' | 'enterpriseSid'>) => void;
}

/** The part of an organization's or account's limit that credentials for one enterprise only may use: its admin must not keep others out. */
export const shareOf = (limit: number): number => Math.ceil(limit / 2);

/** Counts within this process. */
export function createCallerQuota(maximum: number): CallerQuota {
  const accounts = createQuota(maximum);
  const enterprises = createQuota(shareOf(maximum));
  return {
    take: ({ accountSid, enterpriseSid }) => {
      if (!accounts.take(accountSid)) return { owner: 'account', maximum };
      if (!enterpriseSid || enterprises.take(enterpriseSid)) return undefined;
      accounts.release(accountSid);
      return { owner: 'enterprise', maximum: enterprises.maximum };
    },
    release: ({ accountSid, enterpriseSid }) => {
      accounts.release(accountSid);
      if (enterpriseSid) enterprises.release(enterpriseSid);
    },
  };
}
