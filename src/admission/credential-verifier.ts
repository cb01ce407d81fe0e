import { hash, randomBytes } from 'node:crypto';
import { authenticateAccessToken } from '../domain/access/access-tokens.ts';
import { authenticate } from '../domain/access/accounts.ts';
import { authenticateAdmin, isAdminName } from '../domain/access/admin-credentials.ts';
import { authenticateMicrosoftUser, isMicrosoftToken, type MicrosoftUserRefusal } from '../domain/access/microsoft-users.ts';
import { createPlatformAccounts, type PlatformCredentials, type PlatformRefusal } from '../domain/access/platform-accounts.ts';
import type { Credentials } from '../domain/caller.ts';
import type { Gateway } from '../domain/gateway.ts';
import { QueueFullError } from '../domain/turns.ts';
import { fold } from '../domain/values/text.ts';
import type { Credential } from './credential.ts';
import { createFailedAttempts, type FailedAttemptsOptions, networkOf } from './failed-attempts.ts';
import { OUTAGE_LOGGED, outageOf } from './outage.ts';

export type VerifierDeps = Pick<Gateway, 'prisma' | 'secrets' | 'restcomm' | 'microsoft' | 'publicUrl' | 'verified' | 'log'>;

/**
 * The reason why a credential that may be valid is not accepted:
 * - a `PlatformRefusal` or a `MicrosoftUserRefusal`
 * - `BUSY`: too many passwords are waiting to be verified
 * - `OUTAGE`: the database is unavailable
 */
export type VerificationRefusal = PlatformRefusal | MicrosoftUserRefusal | 'BUSY' | 'OUTAGE';

/** `ENDED`: an access token that is expired or revoked. `undefined`: not valid; only this counts as a failed attempt. */
type Verified = Credentials | VerificationRefusal | 'ENDED' | undefined;

/** `retryAfter`: not verified, since too many attempts failed; the time to wait, in seconds. */
type VerificationResult = Verified | { readonly retryAfter: number };

/**
 * Verifies credentials. Those that were verified within the last minute are served from memory. The others are slowed down after failed attempts, by
 * address and by user name, unless they were valid within the last day.
 */
export class CredentialVerifier {
  readonly #gateway: VerifierDeps;
  readonly #platform: ReturnType<typeof createPlatformAccounts>;
  readonly #attempts: ReturnType<typeof createFailedAttempts>;
  /** Equal credentials from one address share a verification. */
  readonly #pending = new Map<string, Promise<VerificationResult>>();
  /** Credentials are kept only as digests under a key that never leaves this process. */
  readonly #digestKey = randomBytes(32).toString('base64');

  constructor(gateway: VerifierDeps, failedAttempts?: FailedAttemptsOptions) {
    this.#gateway = gateway;
    this.#platform = createPlatformAccounts(gateway);
    this.#attempts = createFailedAttempts(failedAttempts);
    // A verification in progress may have read data that has changed since.
    gateway.verified.onDrop(() => this.#pending.clear());
  }

  async verify(credential: Credential, address: string | undefined): Promise<VerificationResult> {
    const key = this.#digest('token' in credential ? `bearer\n${credential.token}` : `basic\n${credential.user}\n${credential.password}`);
    const known = this.#gateway.verified.get(key);
    if (known) return known;
    const shared = `${key} ${address}`;
    const pending = this.#pending.get(shared);
    if (pending) return pending;
    const begun = this.#attempt(key, credential, address).finally(
      () => this.#pending.get(shared) === begun && this.#pending.delete(shared),
    );
    this.#pending.set(shared, begun);
    return begun;
  }

  #digest(text: string): string {
    return hash('sha256', `${this.#digestKey}${text}`, 'base64');
  }

  async #attempt(key: string, credential: Credential, address: string | undefined): Promise<VerificationResult> {
    if (this.#gateway.verified.isKnown(key)) return this.#verifyAndKeep(key, credential, undefined);
    const name = 'user' in credential ? this.#digest(fold(credential.user)) : undefined;
    const attempt = await this.#attempts.begin(address, name);
    if ('retryAfter' in attempt) return attempt;
    let hasFailed = false;
    try {
      const verified = await this.#verifyAndKeep(key, credential, networkOf(address));
      hasFailed = verified === undefined;
      return verified;
    } finally {
      attempt.end(hasFailed);
    }
  }

  async #verifyAndKeep(key: string, credential: Credential, network: string | undefined): Promise<Verified> {
    const { verified, log } = this.#gateway;
    const verification = verified.begin(key);
    try {
      const found = await this.#find(credential, network);
      if (typeof found !== 'object') return found;
      const { credentials, until } = 'credentials' in found ? found : { credentials: found, until: undefined };
      verification.keep(credentials, until);
      return credentials;
    } catch (error) {
      if (error instanceof QueueFullError) return 'BUSY';
      if (!outageOf(error)) throw error;
      log.error({ err: error }, OUTAGE_LOGGED);
      return 'OUTAGE';
    } finally {
      verification.end();
    }
  }

  /** @param network whose passwords wait in one queue; `undefined` for a credential that was valid before, which never waits behind others */
  async #find(credential: Credential, network: string | undefined): Promise<PlatformCredentials | Verified> {
    if ('token' in credential) {
      const { token } = credential;
      return isMicrosoftToken(token) ? authenticateMicrosoftUser(this.#gateway, token) : authenticateAccessToken(this.#gateway, token);
    }
    const { user, password } = credential;
    if (isAdminName(user)) return authenticateAdmin(this.#gateway, user, password, network);
    return (await authenticate(this.#gateway, user, password)) ?? this.#platform.authenticate(user, password);
  }
}
