import { errors, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import type { AccessToken, PrismaClient } from '../../../prisma/client/client.ts';
import { type Caller, type Credentials, permissions } from '../caller.ts';
import { deleteExpired } from '../delete-expired.ts';
import { findEnterprise } from '../enterprises/enterprises.ts';
import { accessTokenNotFound, enterpriseNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { invalidParameter, type Keyed, lookup, parseInput } from '../input.ts';
import { edgeOf, type ListDefinition, type Order, type PageArguments, readPage } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import type { Secrets } from '../secrets.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { newSid, normalizeSid } from '../values/sid.ts';
import { permissionsOf } from './accounts.ts';
import { ADMIN_PERMISSIONS, adminDigest } from './admin-credentials.ts';

// A token is a JWT (RFC 7519) that contains the sid of its row, which has its permissions. The row is read at every use, so that a revocation takes
// effect at once, on every instance. Equal rows give equal tokens, so no token is stored: a repeated request signs the same one again.

/** The lifetimes that may be requested, in seconds. */
export const SHORTEST_LIFETIME = 60;
export const LONGEST_LIFETIME = 24 * 60 * 60;
/** How long an expired token stays listed, in ms. */
const LISTED_MS = 24 * 60 * 60 * 1000;

const ALGORITHM = 'HS256';
const AUDIENCE = 'teams-sms-gateway';

const createInput = z.object({
  expiresIn: z.number().refine((seconds) => seconds >= SHORTEST_LIFETIME && seconds <= LONGEST_LIFETIME, {
    error: `must be from ${SHORTEST_LIFETIME} to ${LONGEST_LIFETIME} seconds`,
  }),
  permissions: z.array(z.enum(permissions)).refine((list) => list.length > 0, 'must not be empty'),
  // A blank sid is not found instead of absent: a client's mistake must not widen its token.
  enterpriseSid: z.string().nullish(),
});
const revokeInput = z.object({ sid: lookup() });

type CreateAccessTokenInput = z.input<typeof createInput> & Keyed;
type RevokeAccessTokenInput = z.input<typeof revokeInput> & Keyed;
type AccessTokenOrderField = 'DATE_CREATED';

/** A token, which is returned only once, and its row. */
export interface IssuedAccessToken {
  readonly token: string;
  readonly accessToken: AccessToken;
}

/**
 * Creates a bearer token for the caller: an account or an enterprise's admin. The token has the given permissions, in the caller's
 * organization or one enterprise of it, for `expiresIn` seconds (60 to 86400). It never allows more than the caller's own credentials, nor for longer.
 * @throws InvalidInputError, also for a permission that the caller does not have; NotFoundError ENTERPRISE_NOT_FOUND (4051); EndedCredentialsError
 */
export async function createAccessToken(gateway: Gateway, caller: Caller, input: CreateAccessTokenInput): Promise<IssuedAccessToken> {
  const accessToken = await idempotently(gateway, caller, 'createAccessToken', input, async (remember) => {
    const { expiresIn, permissions: requested, enterpriseSid } = parseInput(createInput, input);
    const excess = requested.find((permission) => !caller.permissions.has(permission));
    if (excess) throw invalidParameter(['permissions'], 'must be one of your own permissions', excess);
    if (typeof enterpriseSid === 'string' && !(await findEnterprise(gateway, caller, enterpriseSid))) {
      throw enterpriseNotFound(enterpriseSid, ['enterpriseSid']);
    }
    const dateCreated = new Date();
    const dateExpires = new Date(dateCreated.getTime() + expiresIn * 1000);
    return inTransaction(gateway.prisma, async (tx) => {
      await holdCredentials(tx, caller);
      const created = await tx.accessToken.create({
        data: {
          sid: newSid('AT'),
          organizationSid: caller.organizationSid,
          accountSid: caller.accountSid,
          adminSid: caller.adminSid,
          permissions: permissions.filter((permission) => requested.includes(permission)),
          enterpriseSid: typeof enterpriseSid === 'string' ? normalizeSid(enterpriseSid) : caller.enterpriseSid,
          signingKeyId: gateway.secrets.signing.keyId,
          dateCreated,
          dateExpires: caller.expires && caller.expires < dateExpires ? caller.expires : dateExpires,
        },
      });
      await remember(tx, created);
      return created;
    });
  });
  return { token: await sign(gateway.secrets, accessToken), accessToken };
}

/** The caller's password or auth token was changed since it was verified. */
export class EndedCredentialsError extends Error {}

/**
 * Keeps the caller's password or auth token from being changed by others until the transaction ends. A change revokes the tokens that exist, so that one
 * which is created after it with the former password would outlive it.
 * @throws EndedCredentialsError
 */
export async function holdCredentials(tx: Transaction, { accountSid, adminSid, credentialDigest }: Caller): Promise<void> {
  if (credentialDigest === undefined) return;
  let digest: string;
  if (adminSid) {
    await tx.$queryRaw`SELECT 1 FROM enterprise_admin WHERE sid = ${adminSid} FOR SHARE`;
    digest = adminDigest(await tx.enterpriseAdmin.findUniqueOrThrow({ where: { sid: adminSid } }));
  } else {
    await tx.$queryRaw`SELECT 1 FROM account WHERE sid = ${accountSid} FOR SHARE`;
    const { tokenDigest } = await tx.account.findUniqueOrThrow({ where: { sid: accountSid } });
    digest = Buffer.from(tokenDigest).toString('base64');
  }
  if (digest !== credentialDigest) throw new EndedCredentialsError('The credentials were changed');
}

/**
 * Revokes an access token of the caller at once. A token that is revoked or expired already stays as it is.
 * @throws NotFoundError ACCESS_TOKEN_NOT_FOUND
 */
export function revokeAccessToken(gateway: Gateway, caller: Caller, input: RevokeAccessTokenInput): Promise<AccessToken> {
  return idempotently(gateway, caller, 'revokeAccessToken', input, async (remember) => {
    const { sid = '' } = parseInput(revokeInput, input);
    return inTransaction(gateway.prisma, async (tx) => {
      const { count } = await tx.accessToken.updateMany({
        where: { ...ownBy(caller), sid, dateRevoked: null },
        data: { dateRevoked: new Date() },
      });
      const token = await tx.accessToken.findUnique({ where: { ...ownBy(caller), sid } });
      if (!token) throw accessTokenNotFound(sid);
      await remember(tx, token, { changed: count > 0 });
      return token;
    }).finally(() => gateway.verified.drop(sid));
  });
}

const LIST: ListDefinition<AccessToken, AccessTokenOrderField> = { name: 'accessTokens', columns: { DATE_CREATED: 'dateCreated' } };

/** The edge of an access token in the default order of its list. */
export const accessTokenEdge = (token: AccessToken) => edgeOf(LIST, 'DATE_CREATED', token);

/** Reads one page of the caller's access tokens, including those that expired within the last day. Sorted by creation by default. */
export function listAccessTokens(
  { prisma }: Gateway,
  caller: Caller,
  order: Order<AccessTokenOrderField> = { field: 'DATE_CREATED', direction: 'ASC' },
  page: PageArguments = {},
): Promise<Page<AccessToken>> {
  return readPage(
    caller,
    LIST,
    {
      find: (range) => prisma.accessToken.findMany(range),
      count: async (where) => ({ count: await prisma.accessToken.count({ where }), isExact: true }),
    },
    [ownBy(caller)],
    order,
    page,
  );
}

/**
 * Authenticates a bearer token. It has the permissions that it was created with, as far as the account or admin that created it still has them.
 * @returns its credentials; `INACTIVE` if its account or admin is SUSPENDED or CLOSED; `ENDED` for a token that expired or was revoked; `undefined`
 *   for one that this gateway did not sign
 */
export async function authenticateAccessToken(
  { prisma, secrets }: Pick<Gateway, 'prisma' | 'secrets'>,
  token: string,
): Promise<Credentials | 'INACTIVE' | 'ENDED' | undefined> {
  const sid = await verify(secrets, token);
  if (sid === undefined || sid === 'ENDED') return sid;
  const row = await prisma.accessToken.findUnique({ where: { sid }, include: { account: true, admin: true } });
  if (!row || row.dateRevoked || row.dateExpires <= new Date()) return 'ENDED';
  const { status } = row.admin ?? row.account;
  if (status !== 'ACTIVE') return 'INACTIVE';
  const held = row.admin ? new Set(ADMIN_PERMISSIONS) : permissionsOf(row.account);
  return {
    organizationSid: row.organizationSid,
    accountSid: row.accountSid,
    adminSid: row.adminSid ?? undefined,
    permissions: new Set([...permissionsOf(row)].filter((permission) => held.has(permission))),
    enterpriseSid: row.enterpriseSid ?? undefined,
    accessTokenSid: row.sid,
    expires: row.dateExpires,
  };
}

/**
 * Deletes the tokens that expired more than a day ago.
 * @returns how many were deleted
 */
export function purgeAccessTokens(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  return deleteExpired(prisma, { table: 'access_token', column: 'date_expires' }, new Date(Date.now() - LISTED_MS), signal);
}

/** The condition on a token with this sid that the caller may see: one of its own. Access tokens see none. */
export const listedTo = (caller: Caller, sid: string) => ({
  sid,
  ...ownBy(caller),
  ...(caller.accessTokenSid ? { AND: [{ sid: '' }] } : {}),
});

/** The condition on the caller's own tokens. */
const ownBy = ({ organizationSid, accountSid, adminSid }: Caller) => ({ organizationSid, accountSid, adminSid: adminSid ?? null });

const inSeconds = (date: Date) => date.getTime() / 1000;

function sign({ signing }: Secrets, { sid, accountSid, dateCreated, dateExpires }: AccessToken): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: signing.keyId })
    .setAudience(AUDIENCE)
    .setSubject(accountSid)
    .setJti(sid)
    .setIssuedAt(Math.floor(inSeconds(dateCreated)))
    .setExpirationTime(Math.ceil(inSeconds(dateExpires)))
    .sign(signing.key);
}

/**
 * Verifies a token's signature and expiry.
 * @returns the sid of its row; `ENDED` for an expired token; `undefined` for one that none of this gateway's keys signed
 */
async function verify(secrets: Secrets, token: string): Promise<string | undefined> {
  const keyOf = ({ kid = '' }: { kid?: string }) => {
    const key = secrets.signingKey(kid);
    if (!key) throw new errors.JWKSNoMatchingKey();
    return key;
  };
  try {
    const { payload } = await jwtVerify(token, keyOf, { algorithms: [ALGORITHM], audience: AUDIENCE, requiredClaims: ['exp', 'jti'] });
    return payload.jti;
  } catch (error) {
    // jose checks the signature first, so this token is genuine.
    if (error instanceof errors.JWTExpired) return 'ENDED';
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
