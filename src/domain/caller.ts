/**
 * What a caller may do. Held by the account, narrowed by access tokens.
 * - `read`: every query
 * - `write`: every mutation
 * - `secrets`: Bot.clientSecret
 * - `audit`: Query.auditLog
 * - `large-pages`: `first` up to 1000, the contract's page size
 */
export const permissions = ['read', 'write', 'secrets', 'large-pages', 'audit'] as const;
export type Permission = (typeof permissions)[number];

/** Who is calling, established by src/admission/authentication.ts and by nothing else. Every domain function is confined to its organization. */
export interface Caller {
  readonly organizationSid: string;
  /** The account; of an enterprise's admin, the provider's account that the enterprise is under. */
  readonly accountSid: string;
  /** The enterprise's admin who calls, or whose access token it is; absent for accounts. */
  readonly adminSid?: string;
  readonly permissions: ReadonlySet<Permission>;
  /** Credentials that are narrowed to one enterprise see it and what belongs to it, and nothing else. */
  readonly enterpriseSid?: string;
  /** What the account's token was recognised by, base64: changed by a rotation. Absent for access tokens. */
  readonly credentialDigest?: string;
  /** The access token that was presented, where it was one. */
  readonly accessTokenSid?: string;
  /** When the credentials end by themselves; absent for an account's own. */
  readonly expires?: Date;
  /** Asks whoever vouched for the credentials again; absent where the database knows. Never throws: who doesn't answer has not taken them back. */
  readonly isStillValid?: () => Promise<boolean>;
  /** Correlates log lines, audit rows and error answers. */
  readonly requestId: string;
  /** The peer's address as the socket or the trusted proxy tells it. */
  readonly remoteAddress?: string;
}

/** What valid credentials stand for: a caller without the request. */
export type Credentials = Omit<Caller, 'requestId' | 'remoteAddress'>;

/** The sid of who does what is done: whose idempotency keys and limits are meant. */
export const actorOf = ({ adminSid, accountSid }: Pick<Caller, 'adminSid' | 'accountSid'>): string => adminSid ?? accountSid;
