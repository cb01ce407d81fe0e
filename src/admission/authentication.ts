import { randomUUID } from 'node:crypto';
import type { Caller } from '../domain/caller.ts';
import type { Peer } from '../server/server.ts';
import { type CredentialSource, credentialOf } from './credential.ts';
import { CredentialVerifier, type VerificationRefusal, type VerifierDeps } from './credential-verifier.ts';
import type { FailedAttemptsOptions } from './failed-attempts.ts';
import type { ObserveRefusal } from './observed.ts';
import { OUTAGE } from './outage.ts';

/**
 * The reason why a request is not authenticated, by status:
 * - 401: its credentials are absent or not valid
 * - 403: they are valid, but the account is not active or ambiguous
 * - 429: too many attempts failed
 * - 503: they cannot be verified now
 */
export interface AuthenticationRefusal {
  readonly status: 401 | 403 | 429 | 503;
  readonly message: string;
  /** A more exact code than that of the status. */
  readonly code?: 'MICROSOFT_USER_NOT_LINKED';
  /** WWW-Authenticate of a 401. */
  readonly challenge?: string;
  /** In seconds. */
  readonly retryAfter?: number;
  /** Whether they are an access token that is expired or revoked. */
  readonly hasEnded?: boolean;
}

/** Authenticates the requests of every face and the clients of every transport. Each call makes a new request id. */
export type Authentication = (request: CredentialSource, peer?: Peer) => Promise<Caller | AuthenticationRefusal>;

/** WWW-Authenticate of a 401, unless it refuses an access token. It makes browsers prompt for a name and a password. */
export const CHALLENGE = 'Basic realm="teams-sms-gateway", charset="UTF-8"';
const BEARER_CHALLENGE = 'Bearer realm="teams-sms-gateway", error="invalid_token"';

const REFUSALS: Readonly<Record<VerificationRefusal, AuthenticationRefusal>> = {
  INACTIVE: { status: 403, message: 'The account is not active' },
  AMBIGUOUS: { status: 403, message: "The account is the admin of several providers' enterprises" },
  UNLINKED: {
    status: 403,
    code: 'MICROSOFT_USER_NOT_LINKED',
    message: 'No admin is linked with this user of Microsoft Entra; sign in with the password once, and link the user',
  },
  UNVERIFIABLE: { status: 503, message: "Cannot fetch Microsoft Entra's signing keys; try again later" },
  UNAVAILABLE: { status: 503, message: 'Restcomm, which verifies this account, does not respond; try again later' },
  BUSY: { status: 503, message: 'Too many passwords are waiting to be verified; try again later', retryAfter: 2 },
  OUTAGE: { status: 503, ...OUTAGE },
};

export const isRefusal = (outcome: Caller | AuthenticationRefusal): outcome is AuthenticationRefusal => 'status' in outcome;

/**
 * Accepts HTTP Basic and bearer tokens. Basic has an account's SID and auth token (REST.md, Requests), verified here, or by the Restcomm platform for an
 * account whose token is not here; or an enterprise admin's sid or e-mail address and password. A bearer token is an access token, or a token of Microsoft
 * Entra for a user that an admin has linked.
 */
export function createAuthentication(
  gateway: VerifierDeps,
  failedAttempts?: FailedAttemptsOptions,
  observeRefusal?: ObserveRefusal,
): Authentication {
  const verifier = new CredentialVerifier(gateway, failedAttempts);
  return async (request, { remoteAddress } = {}) => {
    const credential = credentialOf(request);
    const verification = credential && (await verifier.verify(credential, remoteAddress));
    if (verification === undefined || verification === 'ENDED') {
      return {
        status: 401,
        message: 'Authentication is required: HTTP Basic with an account SID and its auth token, or a bearer access token',
        challenge: credential && 'token' in credential ? BEARER_CHALLENGE : CHALLENGE,
        ...(verification === 'ENDED' ? { hasEnded: true } : {}),
      };
    }
    if (typeof verification === 'string') return REFUSALS[verification];
    if ('retryAfter' in verification) {
      observeRefusal?.('failed-attempts');
      return { status: 429, message: 'Too many failed authentication attempts; try again later', retryAfter: verification.retryAfter };
    }
    return Object.assign({ requestId: randomUUID(), remoteAddress }, verification);
  };
}
