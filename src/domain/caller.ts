/**
 * What a caller may do. An account holds permissions; an access token narrows them.
 * - `read`: every query
 * - `write`: every mutation
 * - `secrets`: Bot.clientSecret
 * - `audit`: Query.auditLog
 * - `large-pages`: `first` up to 1000, the contract's page size
 */
export const permissions = ['read', 'write', 'secrets', 'large-pages', 'audit'] as const;
export type Permission = (typeof permissions)[number];

/**
 * The authenticated caller of one request. Only src/admission/authentication.ts makes one. Every domain function is confined to its
 * organization.
 */
export interface Caller {
  readonly organizationSid: string;
  /** The caller's account; for an enterprise's admin, the provider's account that owns the enterprise. */
  readonly accountSid: string;
  /** The enterprise admin who calls, or whose access token was presented; absent for accounts. */
  readonly adminSid?: string;
  readonly permissions: ReadonlySet<Permission>;
  /** The one enterprise that the credentials are narrowed to: they see it and what belongs to it, and nothing else. */
  readonly enterpriseSid?: string;
  /** The digest that the account's auth token matched, in base64; a rotation changes it. Absent for access tokens. */
  readonly credentialDigest?: string;
  /** The access token that was presented, if one was. */
  readonly accessTokenSid?: string;
  /** When the credentials expire; absent for an account's own, which do not. */
  readonly expires?: Date;
  /**
   * Asks the platform that verified the credentials again; absent where the database decides. Never rejects: a platform that does not answer has not
   * revoked them.
   */
  readonly isStillValid?: () => Promise<boolean>;
  /** Correlates log lines, audit records and error answers. */
  readonly requestId: string;
  /** The client's IP address, from the socket or a trusted proxy. */
  readonly remoteAddress?: string;
}

/** What valid credentials grant: a caller without its request. */
export type Credentials = Omit<Caller, 'requestId' | 'remoteAddress'>;

/** The sid that a caller's idempotency keys and limits are counted by: the admin's, else the account's. */
export const actorOf = ({ adminSid, accountSid }: Pick<Caller, 'adminSid' | 'accountSid'>): string => adminSid ?? accountSid;
