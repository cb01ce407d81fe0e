import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { PlatformError } from '../../domain/errors.ts';
import { type Fetch, joinUrl } from '../request.ts';
import type { Microsoft } from './microsoft.ts';
import { createSigningKeys, KeysUnavailableError, type SigningKey, type SigningKeys } from './signing-keys.ts';

// Tokens that Entra issues to Teams for a user of a bot's application, so that the page in the tab can sign the user in.
//
// - getAuthToken: https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/authentication/tab-sso-code
// - what to verify: https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens and
//   https://learn.microsoft.com/entra/identity-platform/claims-validation
// - claims: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference

/** The scope of the application's API that Teams requests. */
const SCOPE = 'access_as_user';
const CLOCK_SKEW_SECONDS = 5 * 60;
const MAX_TENANTS = 1000;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface UserTokensOptions {
  /** e.g. `https://login.microsoftonline.com` */
  readonly loginUrl: string;
  readonly fetch: Fetch;
  /** The current time, in ms; for tests. */
  readonly now?: () => number;
}

/** Creates the verifier of users' tokens for one cloud. Keeps the keys of each tenant for a day. */
export function createUserTokens({ loginUrl, fetch, now = Date.now }: UserTokensOptions): Pick<Microsoft, 'verifyUserToken'> {
  const keysOf = new LRUCache<string, SigningKeys>({ max: MAX_TENANTS });

  /** A tenant has a configuration for each version of tokens. It names the keys and the issuer, which must be that of the token. */
  function signerOf(tenantId: string, version: unknown): SigningKeys {
    const path = `${tenantId}${version === '2.0' ? '/v2.0' : ''}/.well-known/openid-configuration`;
    const known =
      keysOf.get(path) ?? createSigningKeys({ openIdUrl: joinUrl(loginUrl, path), signer: "Microsoft Entra's login", fetch, now });
    keysOf.set(path, known);
    return known;
  }

  return {
    verifyUserToken: async ({ tenantId, audiences }, token) => {
      const tenant = tenantId.toLowerCase();
      const keys = signerOf(tenant, versionOf(token));
      let signer: SigningKey | undefined;
      try {
        const { payload } = await jwtVerify<UserClaims>(
          token,
          async ({ kid }) => {
            signer = kid === undefined ? undefined : await keys.find(kid);
            if (!signer) throw new errors.JWKSNoMatchingKey();
            return signer.key;
          },
          {
            ...{ algorithms: ['RS256'], audience: [...audiences], requiredClaims: ['exp', 'iss', 'tid', 'oid', 'scp'] },
            ...{ clockTolerance: CLOCK_SKEW_SECONDS, currentDate: new Date(now()) },
          },
        );
        const objectId = userOf(payload, tenant, signer?.issuer);
        return objectId === undefined ? undefined : { objectId, expires: new Date((payload.exp ?? 0) * 1000) };
      } catch (error) {
        // jose checks the signature first, so this token is genuine.
        if (error instanceof errors.JWTExpired) return 'EXPIRED';
        if (error instanceof errors.JOSEError) return undefined;
        if (error instanceof KeysUnavailableError) throw new PlatformError(error.message, { detail: 'KeysUnavailable', cause: error });
        throw error;
      }
    },
  };
}

interface UserClaims {
  readonly tid?: unknown;
  readonly oid?: unknown;
  readonly scp?: unknown;
}

/**
 * Reads the user of a token whose signature, audience and time are valid.
 * @param issuer the issuer in the tenant's configuration
 * @returns the user's object id; `undefined` unless the tenant has issued the token for a user and with the scope
 */
function userOf({ iss, tid, oid, scp }: JWTPayload & UserClaims, tenantId: string, issuer: string | undefined): string | undefined {
  if (issuer === undefined || iss !== issuer || typeof tid !== 'string' || tid.toLowerCase() !== tenantId) return undefined;
  if (typeof scp !== 'string' || !scp.split(' ').includes(SCOPE)) return undefined;
  return typeof oid === 'string' && GUID.test(oid) ? oid.toLowerCase() : undefined;
}

/** The version that a token claims to have. Nothing is verified yet. */
function versionOf(token: string): unknown {
  try {
    return decodeJwt<{ ver?: unknown }>(token).ver;
  } catch {
    return undefined;
  }
}
