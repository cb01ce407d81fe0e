/** Limits how many of something are in use for each key, e.g. an account's sockets. */
export interface Quota {
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
