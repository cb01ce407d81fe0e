import { randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** What differs from a right token. A claim or header field that is `undefined` is left out. */
export interface TokenOverrides {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs with this instead of the current key. */
  readonly key?: CryptoKey | Uint8Array;
}

export type PublishedKey = JWK & { readonly kid: string; endorsements: string[] };

export interface BotFrameworkSigner {
  /** The published keys, the current one last. */
  keys(): Promise<PublishedKey[]>;
  /** Signs with a new key from now on. `withdraw` takes the old ones out of the published set. */
  rotate(options?: { withdraw?: boolean; endorsements?: string[] }): Promise<void>;
  /** An `Authorization` header. */
  sign(activity: { serviceUrl: string }, audience: string, overrides?: TokenOverrides): Promise<string>;
}

export const BOT_FRAMEWORK_ISSUER = 'https://api.botframework.com';

/** The Bot Framework's key pairs, and its tokens for requests to bots. The first pair is made when it is needed: that takes a while. */
export function createBotFrameworkSigner(issuer = BOT_FRAMEWORK_ISSUER): BotFrameworkSigner {
  let published: PublishedKey[] = [];
  let current: Promise<{ kid: string; privateKey: CryptoKey }> | undefined;

  async function generate({
    withdraw = false,
    endorsements = ['msteams', 'webchat'],
  }: {
    withdraw?: boolean;
    endorsements?: string[];
  } = {}) {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const kid = randomUUID();
    const key = { ...(await exportJWK(publicKey)), use: 'sig', kid, x5t: kid, endorsements };
    published = withdraw ? [key] : [...published, key];
    return { kid, privateKey };
  }
  function signingKey() {
    current ??= generate();
    return current;
  }

  return {
    keys: async () => {
      await signingKey();
      return published;
    },
    rotate: async (options) => {
      await current;
      current = generate(options);
      await current;
    },
    sign: async (activity, audience, { claims, header, key } = {}) => {
      const { kid, privateKey } = await signingKey();
      const now = Math.floor(Date.now() / 1000);
      const right = { serviceurl: activity.serviceUrl, nbf: now, exp: now + 3600, iss: issuer, aud: audience };
      const token = await new SignJWT({ ...right, ...claims })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid, x5t: kid, ...header })
        .sign(key ?? privateKey);
      return `Bearer ${token}`;
    },
  };
}
