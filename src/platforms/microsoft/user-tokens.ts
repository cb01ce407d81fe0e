import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { PlatformError } from '../../domain/errors.ts';
import { type Fetch, joinUrl } from '../request.ts';
import type { Cloud } from './clouds.ts';
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
/**
 * The clients that run the tab: Teams on desktops and phones, Teams in browsers, Microsoft 365 in browsers, on desktops and on phones with Outlook on desktops,
 * Outlook in browsers and on phones, and Edge. A token that a user let another application have is none of Teams.
 * https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/authentication/tab-sso-register-aad#configure-authorized-client-application
 */
const TEAMS_CLIENTS: ReadonlySet<unknown> = new Set([
  '1fec8e78-bce4-4aaf-ab1b-5451cc387264',
  '5e3ce6c0-2b1f-4285-8d4b-75ee78787346',
  '4765445b-32c6-49b0-83e6-1d93765276ca',
  '0ec893e0-5785-4de6-99da-4ed124e5296c',
  'd3590ed6-52b3-4102-aeff-aad2292ab01c',
  'bc59ab01-8403-45c6-8796-ac3ef710b3e3',
  '27922004-5251-4030-b22d-91ecd9a37ea4',
  'c0ab8ce9-e9a0-42e7-b064-33d422df41f1',
]);
/** Those of the other clouds are not documented. */
const KNOWN_CLIENTS: readonly Cloud[] = ['COMMERCIAL', 'GCC'];
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
    verifyUserToken: async ({ tenantId, audiences, cloud = 'COMMERCIAL' }, token) => {
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
        if (objectId === undefined || (KNOWN_CLIENTS.includes(cloud) && !TEAMS_CLIENTS.has(clientOf(payload)))) return undefined;
        // What it opens ends with it, so the tolerance is for clocks that are behind alone.
        const expires = new Date((payload.exp ?? 0) * 1000);
        return expires.getTime() > now() ? { objectId, expires } : 'EXPIRED';
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
  readonly azp?: unknown;
  readonly appid?: unknown;
}

/** The application that the token was issued to: `azp` of version 2, `appid` of version 1. */
const clientOf = ({ azp, appid }: UserClaims): unknown => azp ?? appid;

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
