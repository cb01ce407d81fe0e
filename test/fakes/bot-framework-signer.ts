import { randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** What differs from a right token. A claim or header field that is `undefined` is left out. */
export interface TokenOverrides {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs with this instead of the current key. */
  readonly key?: CryptoKey | Uint8Array;
}

export interface BotFrameworkSigner {
  /** The published keys, the current one last. */
  readonly keys: readonly (JWK & { kid: string; endorsements: string[] })[];
  /** Signs with a new key from now on. */
  rotate(options?: { withdraw?: boolean; endorsements?: string[] }): Promise<void>;
  /** An `Authorization` header. */
  sign(activity: { serviceUrl: string }, audience: string, overrides?: TokenOverrides): Promise<string>;
}

export const BOT_FRAMEWORK_ISSUER = 'https://api.botframework.com';

/** The Bot Framework's key pairs, and its tokens for requests to bots. */
export async function createBotFrameworkSigner(): Promise<BotFrameworkSigner> {
  const keys: (JWK & { kid: string; endorsements: string[] })[] = [];
  let current: CryptoKey;

  async function rotate({ withdraw = false, endorsements = ['msteams', 'webchat'] }: { withdraw?: boolean; endorsements?: string[] } = {}) {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    if (withdraw) keys.length = 0;
    const kid = randomUUID();
    keys.push({ ...(await exportJWK(publicKey)), use: 'sig', kid, x5t: kid, endorsements });
    current = privateKey;
  }
  await rotate();

  return {
    keys,
    rotate,
    sign: async (activity, audience, { claims, header, key = current } = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const kid = keys.at(-1)?.kid;
      const token = await new SignJWT({
        serviceurl: activity.serviceUrl,
        nbf: now,
        exp: now + 3600,
        iss: BOT_FRAMEWORK_ISSUER,
        aud: audience,
        ...claims,
      })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid, x5t: kid, ...header })
        .sign(key);
      return `Bearer ${token}`;
    },
  };
}
