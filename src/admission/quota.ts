/** How many of something each account has open. */
export interface Quota {
  readonly maximum: number;
  /** Takes one more. @returns false where the account has as many as it may */
  readonly take: (accountSid: string) => boolean;
  /** Gives one back that was taken. */
  readonly release: (accountSid: string) => void;
}

/** Counts by account, in this instance. */
export function createQuota(maximum: number): Quota {
  const open = new Map<string, number>();
  return {
    maximum,
    take: (accountSid) => {
      const count = open.get(accountSid) ?? 0;
      if (count >= maximum) return false;
      open.set(accountSid, count + 1);
      return true;
    },
    release: (accountSid) => {
      const left = (open.get(accountSid) ?? 0) - 1;
      if (left > 0) open.set(accountSid, left);
      else open.delete(accountSid);
    },
  };
}
