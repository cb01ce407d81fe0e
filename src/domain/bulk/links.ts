import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PrismaClient } from '../../../prisma/client/client.ts';
import { findValid } from '../access/valid-credentials.ts';
import type { Caller } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import type { Secrets } from '../secrets.ts';
import { isSid } from '../values/sid.ts';

// A link is a signature over the sid of a row, which says what it is for, as whom, and until when (as access tokens are, docs/adr/0008). The row is read
// at every use, so that a link ends with the credentials that asked for it.

/** How long a link may be used, in ms. */
const LINK_MS = 5 * 60_000;

export type LinkKind = 'exports' | 'imports';
const PREFIXES = { exports: 'EX', imports: 'IM' } as const;

/** The caller who asked for a link, as it is stored. */
interface LinkOwner {
  readonly organizationSid: string;
  readonly accountSid: string;
  readonly adminSid: string | null;
  readonly accessTokenSid: string | null;
  readonly confinedTo: string | null;
  readonly credentialDigest: string | null;
}

/** The columns that hold the caller who asks for a link. */
export const ownerColumns = ({ organizationSid, accountSid, adminSid, accessTokenSid, enterpriseSid, credentialDigest }: Caller) => ({
  ...{ organizationSid, accountSid, adminSid, accessTokenSid, credentialDigest },
  confinedTo: enterpriseSid,
});

/** When a new link of the caller expires: no later than its credentials. */
export function expiryOf({ expires }: Caller, now: Date): Date {
  const end = new Date(now.getTime() + LINK_MS);
  return expires && expires < end ? expires : end;
}

/** Returns the URL of a link. Its signature is in the query string, which proxies keep out of their logs for access tokens' sake. */
export const linkTo = ({ publicUrl, secrets }: Pick<Gateway, 'publicUrl' | 'secrets'>, kind: LinkKind, sid: string): string =>
  `${publicUrl}/${kind}/${sid}?signature=${secrets.signing.keyId}.${signature(secrets.signing.key, kind, sid)}`;

/**
 * Verifies a link.
 * @param sid the last part of its path
 * @param signed the parameter `signature`
 * @returns the sid of its row; `undefined` if none of this gateway's keys signed it
 */
export function sidOfLink(secrets: Secrets, kind: LinkKind, sid: string, signed: string): string | undefined {
  const [keyId = '', given = '', ...more] = signed.split('.');
  const key = secrets.signingKey(keyId);
  if (!key || more.length > 0 || !isSid(PREFIXES[kind], sid)) return undefined;
  const [expected, actual] = [Buffer.from(signature(key, kind, sid)), Buffer.from(given)];
  return expected.length === actual.length && timingSafeEqual(expected, actual) ? sid : undefined;
}

/** The space keeps it apart from what access tokens sign, which has none. */
const signature = (key: Uint8Array, kind: LinkKind, sid: string): string =>
  createHmac('sha256', key).update(`${kind} ${sid}`).digest('base64url');

/** Makes the caller that a link acts for: it reads and does nothing else. */
export const callerOf = (owner: LinkOwner, request: Pick<Caller, 'requestId' | 'remoteAddress'>): Caller => ({
  organizationSid: owner.organizationSid,
  accountSid: owner.accountSid,
  adminSid: owner.adminSid ?? undefined,
  accessTokenSid: owner.accessTokenSid ?? undefined,
  enterpriseSid: owner.confinedTo ?? undefined,
  credentialDigest: owner.credentialDigest ?? undefined,
  permissions: new Set(['read', 'large-pages']),
  ...request,
});

/** Whether the credentials that asked for a link are still valid. */
export const isStillValid = async (prisma: PrismaClient, caller: Caller): Promise<boolean> => (await findValid(prisma, [caller]))(caller);
