import type { Credentials } from './caller.ts';

/** How long credentials are trusted without being verified again, in ms. */
const LIFETIME_MS = 60_000;
/** How long it is known that credentials were right: they are verified again, but never held up. */
const KNOWN_MS = 24 * 60 * 60 * 1000;
/** How many are kept, those that were verified last. */
const KEPT = 10_000;

/** A verification that is under way. */
export interface Verification {
  /** Keeps what it found, unless the credentials changed meanwhile. `until` (ms since 1970) where they are good for less than a minute. */
  keep(credentials: Credentials, until?: number): void;
  /** Ends it. */
  end(): void;
}

/**
 * Credentials that were found good within the last minute, so that requests need not ask the database again. They are kept under a keyed digest of
 * what was presented, never under itself, and forgotten at once when what they rest on changes.
 */
export interface VerifiedCredentials {
  get(key: string): Credentials | undefined;
  /** Was this right within a day, and did nothing that it rests on change since? */
  isKnown(key: string): boolean;
  begin(key: string): Verification;
  /** The credentials of this account, access token, enterprise's admin, or of this enterprise's admin, have changed, and it is committed. */
  drop(sid: string): void;
  /**
   * Whether changes by other processes are heard of. While they are not, nothing is kept: what is not heard can't leave revoked credentials alive.
   */
  hears(changes: boolean): void;
  /** Calls back after each `drop`. */
  onDrop(listener: () => void): void;
}

interface Kept {
  readonly credentials: Credentials;
  readonly until: number;
}

/** @param options.hears where this process is the only one that changes credentials, true from the beginning */
export function createVerifiedCredentials(options: { readonly hears: boolean }): VerifiedCredentials {
  const verified = new Map<string, Kept>();
  const known = new Map<string, Kept>();
  const running = new Set<{ readonly dropped: Set<string> }>();
  const listeners: (() => void)[] = [];
  let hears = options.hears;
  /** Counts the times that hearing ended or began. */
  let epoch = 0;

  return {
    get: (key) => current(verified, key)?.credentials,
    isKnown: (key) => current(known, key) !== undefined,
    begin: (key) => {
      const verification = { dropped: new Set<string>() };
      const began = epoch;
      running.add(verification);
      return {
        keep: (credentials, until = Number.POSITIVE_INFINITY) => {
          if (restsOn(credentials).some((sid) => sid !== undefined && verification.dropped.has(sid))) return;
          const end = Math.min(until, credentials.expires?.getTime() ?? Number.POSITIVE_INFINITY);
          put(known, key, credentials, Math.min(end, Date.now() + KNOWN_MS));
          if (hears && began === epoch) put(verified, key, credentials, Math.min(end, Date.now() + LIFETIME_MS));
        },
        end: () => running.delete(verification),
      };
    },
    drop: (sid) => {
      for (const { dropped } of running) dropped.add(sid);
      for (const kept of [verified, known]) {
        for (const [key, { credentials }] of kept) if (restsOn(credentials).includes(sid)) kept.delete(key);
      }
      for (const listener of listeners) listener();
    },
    hears: (changes) => {
      if (changes === hears) return;
      hears = changes;
      epoch += 1;
      verified.clear();
    },
    onDrop: (listener) => void listeners.push(listener),
  };
}

/** What has to stay as it is for the credentials to stay good. An admin's account is its provider's, and none of its affair. */
const restsOn = ({ accountSid, accessTokenSid, adminSid, enterpriseSid }: Credentials): (string | undefined)[] =>
  adminSid ? [accessTokenSid, adminSid, enterpriseSid] : [accessTokenSid, accountSid];

function current(kept: Map<string, Kept>, key: string): Kept | undefined {
  const found = kept.get(key);
  if (found && found.until > Date.now()) return found;
  kept.delete(key);
  return undefined;
}

function put(kept: Map<string, Kept>, key: string, credentials: Credentials, until: number): void {
  kept.delete(key);
  kept.set(key, { credentials, until });
  const [oldest] = kept.keys();
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
}
