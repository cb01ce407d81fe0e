/**
 * The permissions of callers. An access token may have fewer than its account.
 * - `read`: every query
 * - `write`: every mutation
 * - `secrets`: Bot.clientSecret
 * - `audit`: Query.auditLog
 */
export const permissions = ['read', 'write', 'secrets', 'audit'] as const;
/** A permission that credentials can have. */
export type HeldPermission = (typeof permissions)[number];
/** What a caller may do. `large-pages`: `first` up to 1000, the contract's page size. No credentials have it: the contract and downloads add it. */
export type Permission = HeldPermission | 'large-pages';

/**
 * The authenticated caller of one request. Only src/admission/authentication.ts makes one. Every domain function is confined to its
 * organization.
 */
export interface Caller {
  readonly organizationSid: string;
  /** The caller's account; for an enterprise's admin, the provider's account that owns the enterprise. */
  readonly accountSid: string;
  /** The calling enterprise's admin, or the owner of the access token; absent for accounts. */
  readonly adminSid?: string;
  readonly permissions: ReadonlySet<Permission>;
  /** The only enterprise that the credentials give access to. Absent if they cover the whole organization. */
  readonly enterpriseSid?: string;
  /**
   * Of the account's auth token, or of the admin's password and account on the platform, in base64. A rotation, a reset or another account changes it.
   * Absent for access tokens, and for accounts that the platform verified.
   */
  readonly credentialDigest?: string;
  /** The access token of the request. Absent if it has none. */
  readonly accessTokenSid?: string;
  /** When the credentials expire. Absent for an account's own, which do not. */
  readonly expires?: Date;
  /**
   * Asks the platform that verified the credentials again. Absent if the database decides. Never rejects: a platform that does not respond has not
   * revoked them.
   */
  readonly isStillValid?: () => Promise<boolean>;
  /** Correlates log lines, audit records and error answers. */
  readonly requestId: string;
  /** The client's IP address, from the socket or a trusted proxy. */
  readonly remoteAddress?: string;
}

/** The result of verifying credentials: a caller without its request. */
export type Credentials = Omit<Caller, 'requestId' | 'remoteAddress'>;

/** Returns the sid that owns a caller's idempotency keys and queue: the admin's, otherwise the account's. */
export const actorOf = ({ adminSid, accountSid }: Pick<Caller, 'adminSid' | 'accountSid'>): string => adminSid ?? accountSid;
