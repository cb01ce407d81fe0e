import { randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Cloud } from '../../src/platforms/microsoft/clouds.ts';
import type { TokenOverrides } from './bot-framework-signer.ts';
import type { FakeBot, FakeUser } from './microsoft-state.ts';

// Microsoft Entra, which issues users' tokens: learn.microsoft.com, "Access tokens in the Microsoft identity platform" and "Access token claims reference".
// As in the real Entra, one set of keys signs for all tenants.

export interface FakeEntra {
  keys(): Promise<JWK[]>;
  /**
   * Signs the token that Teams gets for a user of a bot's app (getAuthToken): of version 2, whose audience is the application's id, or of version 1, whose
   * audience is its URI.
   * @param more.audience the Application ID URI, for a token of version 1
   */
  sign(
    bot: FakeBot,
    user: Pick<FakeUser, 'objectId' | 'userPrincipalName'>,
    more?: TokenOverrides & { audience?: string },
  ): Promise<string>;
  /** Withdraws the keys, and signs with a new one. */
  rotate(): Promise<void>;
}

/** The issuer of a tenant's tokens, by the version of its endpoint. */
export function issuerOf(cloud: Cloud, tenantId: string, isV2: boolean): string {
  if (!isV2) return `https://sts.${cloud === 'CHINA' ? 'chinacloudapi.cn' : 'windows.net'}/${tenantId}/`;
  const hosts: Partial<Record<Cloud, string>> = {
    ...{ GCC_HIGH: 'login.microsoftonline.us', DOD: 'login.microsoftonline.us', CHINA: 'login.partner.microsoftonline.cn' },
  };
  return `https://${hosts[cloud] ?? 'login.microsoftonline.com'}/${tenantId}/v2.0`;
}

/** The id of Teams, to which the token is issued. */
const TEAMS_CLIENT = '5e3ce6c0-2b1f-4285-8d4b-75ee78787346';

export function createFakeEntra(): FakeEntra {
  const generate = async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const kid = randomUUID();
    return { kid, privateKey, published: { ...(await exportJWK(publicKey)), use: 'sig', kid, x5t: kid } };
  };
  let current: Promise<{ kid: string; privateKey: CryptoKey; published: JWK }> | undefined;
  const signer = () => {
    current ??= generate();
    return current;
  };
  return {
    keys: async () => [(await signer()).published],
    rotate: async () => {
      current = generate();
      await current;
    },
    sign: async ({ applicationId, tenantId, cloud = 'COMMERCIAL' }, user, { claims, header, key, audience } = {}) => {
      const { kid, privateKey } = await signer();
      const now = Math.floor(Date.now() / 1000);
      const isV2 = audience === undefined;
      const named = isV2
        ? { ver: '2.0', azp: TEAMS_CLIENT, preferred_username: user.userPrincipalName }
        : { ver: '1.0', appid: TEAMS_CLIENT, upn: user.userPrincipalName, unique_name: user.userPrincipalName };
      const right = {
        ...{ aud: audience ?? applicationId, iss: issuerOf(cloud, tenantId, isV2), iat: now, nbf: now, exp: now + 4000 },
        ...{ tid: tenantId, oid: user.objectId, sub: randomUUID(), scp: 'access_as_user', ...named },
      };
      return new SignJWT({ ...right, ...claims }).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid, ...header }).sign(key ?? privateKey);
    },
  };
}
