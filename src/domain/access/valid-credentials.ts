import type { PrismaClient } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { adminDigest } from './admin-credentials.ts';

/** What credentials depend on. */
type CredentialHolder = Pick<Caller, 'accountSid' | 'adminSid' | 'accessTokenSid' | 'credentialDigest'>;

/**
 * Looks up which of these callers' credentials are valid in the database, by at most three statements.
 * @returns a function that tells whether a caller's are
 */
export async function findValid(
  prisma: PrismaClient,
  callers: readonly CredentialHolder[],
): Promise<(caller: CredentialHolder) => boolean> {
  const accountSids = [...new Set(callers.flatMap(({ adminSid, accountSid }) => (adminSid ? [] : accountSid)))];
  const adminSids = [...new Set(callers.flatMap(({ adminSid }) => adminSid ?? []))];
  const tokenSids = [...new Set(callers.flatMap(({ accessTokenSid }) => accessTokenSid ?? []))];
  const accounts = await prisma.account.findMany({
    where: { sid: { in: accountSids }, status: 'ACTIVE' },
    select: { sid: true, tokenDigest: true },
  });
  const tokens = tokenSids.length
    ? await prisma.accessToken.findMany({
        where: { sid: { in: tokenSids }, dateRevoked: null, dateExpires: { gt: new Date() } },
        select: { sid: true },
      })
    : [];
  const admins = adminSids.length
    ? await prisma.enterpriseAdmin.findMany({
        where: { sid: { in: adminSids }, status: 'ACTIVE' },
        select: { sid: true, accountSid: true, passwordHash: true, microsoftObjectId: true },
      })
    : [];
  const digests = new Map([
    ...accounts.map(({ sid, tokenDigest }) => [sid, Buffer.from(tokenDigest).toString('base64')] as const),
    ...admins.map((admin) => [admin.sid, adminDigest(admin)] as const),
  ]);
  const validTokens = new Set(tokens.map(({ sid }) => sid));
  return ({ accountSid, adminSid, accessTokenSid, credentialDigest }) => {
    const digest = digests.get(adminSid ?? accountSid);
    if (digest === undefined) return false;
    // An account that the platform verifies has an empty digest, until it gets a token of the gateway's own.
    return accessTokenSid ? validTokens.has(accessTokenSid) : (credentialDigest ?? '') === digest;
  };
}
