import type { Credentials } from '../caller.ts';
import { createKeptRows } from './kept-rows.ts';

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
export function createVerifiedCredentials({ hears }: { readonly hears: boolean }): VerifiedCredentials {
  const trusted = createKeptRows<Credentials>({ maxEntries: MAX_ENTRIES, lifetimeMs: TRUSTED_MS, dependenciesOf, hears });
  const known = createKeptRows<Credentials>({ maxEntries: MAX_ENTRIES, lifetimeMs: KNOWN_MS, dependenciesOf, hears: true });
  const listeners: (() => void)[] = [];

  return {
    get: (key) => trusted.get(key),
    isKnown: (key) => known.get(key) !== undefined,
    begin: (key) => {
      const readings = [trusted.begin(), known.begin()];
      return {
        keep: (credentials, until = Number.POSITIVE_INFINITY) => {
          const end = Math.min(until, credentials.expires?.getTime() ?? Number.POSITIVE_INFINITY);
          for (const reading of readings) reading.keep(key, credentials, end);
        },
        end: () => {
          for (const reading of readings) reading.end();
        },
      };
    },
    drop: (sid) => {
      trusted.drop(sid);
      known.drop(sid);
      for (const listener of listeners) listener();
    },
    hears: (changes) => trusted.hears(changes),
    onDrop: (listener) => void listeners.push(listener),
  };
}

/** The sids whose change invalidates the credentials. An admin's accountSid is its provider's account, which its credentials do not depend on. */
const dependenciesOf = ({ accountSid, accessTokenSid, adminSid, enterpriseSid }: Credentials): (string | undefined)[] =>
  adminSid ? [accessTokenSid, adminSid, enterpriseSid] : [accessTokenSid, accountSid];
