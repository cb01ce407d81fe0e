import type { Credentials } from './caller.ts';
import { ExpiringCache } from './expiring-cache.ts';

/** How long verified credentials are accepted without being verified again, in ms. */
const TRUSTED_MS = 60_000;
/** How long credentials count as known, in ms: they are verified again, but exempt from the delay of failed attempts. */
const KNOWN_MS = 24 * 60 * 60 * 1000;
/** How many credentials each cache holds. */
const MAX_ENTRIES = 10_000;

/** A verification in progress. */
interface Verification {
  /**
   * Caches the credentials that were found valid, unless they changed during the verification.
   * @param until when they stop being valid, in ms since 1970, if that is before the end of the cache's own lifetime
   */
  keep(credentials: Credentials, until?: number): void;
  /** Ends the verification. Must be called, whatever the outcome. */
  end(): void;
}

/**
 * Caches credentials that were verified within the last minute, so that requests need not query the database again. The key of an entry is a keyed
 * digest of the credentials, never the secret itself. An entry is dropped as soon as one of its dependencies changes.
 */
export interface VerifiedCredentials {
  get(key: string): Credentials | undefined;
  /** Whether these credentials were valid within a day, and none of their dependencies has changed since. */
  isKnown(key: string): boolean;
  begin(key: string): Verification;
  /**
   * Drops the entries that depend on this account, access token, enterprise admin or enterprise. Call it after the change is committed.
   */
  drop(sid: string): void;
  /**
   * Sets whether this process is notified of changes that other processes make. While it is not, nothing is cached: a missed change would leave
   * revoked credentials valid.
   */
  hears(changes: boolean): void;
  /** Registers a listener that is called after each `drop`. */
  onDrop(listener: () => void): void;
}

/**
 * Creates an empty cache.
 * @param options.hears the initial value of `hears`: true if no other process changes credentials
 */
export function createVerifiedCredentials(options: { readonly hears: boolean }): VerifiedCredentials {
  const trusted = new ExpiringCache<Credentials>(MAX_ENTRIES);
  const known = new ExpiringCache<Credentials>(MAX_ENTRIES);
  const running = new Set<{ readonly dropped: Set<string> }>();
  const listeners: (() => void)[] = [];
  let hears = options.hears;
  /** Increases each time `hears` changes: credentials that were verified before must not be cached after. */
  let epoch = 0;

  return {
    get: (key) => trusted.get(key)?.value,
    isKnown: (key) => known.get(key) !== undefined,
    begin: (key) => {
      const verification = { dropped: new Set<string>() };
      const startEpoch = epoch;
      running.add(verification);
      return {
        keep: (credentials, until = Number.POSITIVE_INFINITY) => {
          if (dependenciesOf(credentials).some((sid) => sid !== undefined && verification.dropped.has(sid))) return;
          const end = Math.min(until, credentials.expires?.getTime() ?? Number.POSITIVE_INFINITY);
          known.set(key, credentials, Math.min(end, Date.now() + KNOWN_MS));
          if (hears && startEpoch === epoch) trusted.set(key, credentials, Math.min(end, Date.now() + TRUSTED_MS));
        },
        end: () => running.delete(verification),
      };
    },
    drop: (sid) => {
      for (const { dropped } of running) dropped.add(sid);
      for (const cache of [trusted, known]) cache.deleteWhere((credentials) => dependenciesOf(credentials).includes(sid));
      for (const listener of listeners) listener();
    },
    hears: (changes) => {
      if (changes === hears) return;
      hears = changes;
      epoch += 1;
      trusted.clear();
    },
    onDrop: (listener) => void listeners.push(listener),
  };
}

/** The sids whose change invalidates the credentials. An admin's accountSid is its provider's account, which its credentials do not depend on. */
const dependenciesOf = ({ accountSid, accessTokenSid, adminSid, enterpriseSid }: Credentials): (string | undefined)[] =>
  adminSid ? [accessTokenSid, adminSid, enterpriseSid] : [accessTokenSid, accountSid];
