import { decodeProtectedHeader } from 'jose';
import * as z from 'zod';
import { identifyUser, MAX_TOKEN_LENGTH } from '../bots/bot-users.ts';
import type { Caller, Credentials } from '../caller.ts';
import { findEnterprise } from '../enterprises/enterprises.ts';
import { NO_LINK, setLink } from '../enterprises/linked-users.ts';
import { enterpriseNotFound, PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { invalidParameter, type Keyed, lookup, mandatorySecret, parseInput } from '../input.ts';
import { inTransaction } from '../transaction.ts';
import { holdCredentials } from './access-tokens.ts';
import { credentialsOfAdmin, WITH_ENTERPRISE } from './admin-credentials.ts';

// Single sign-on of the console's tab in Teams (docs/adr/0035-single-sign-on.md). Entra identifies a user by a tenant and an object id, which never
// change. An admin who has signed in by password links its user once; from then on, a token of Entra for that user is a credential of the admin.

const linkInput = z.object({ token: mandatorySecret(MAX_TOKEN_LENGTH) });
const unlinkInput = z.object({ enterpriseSid: lookup() });

type LinkMicrosoftUserInput = z.input<typeof linkInput> & Keyed;
type UnlinkMicrosoftUserInput = z.input<typeof unlinkInput> & Keyed;

/** An admin that was linked with a user, or unlinked. */
export interface LinkedAdmin {
  readonly sid: string;
  readonly enterpriseSid: string;
}

/**
 * The reason why a token of Entra is not accepted:
 * - `UNLINKED`: it is genuine and for a bot of the gateway, but its user is not linked with an admin
 * - `UNVERIFIABLE`: Entra's signing keys cannot be fetched
 */
export type MicrosoftUserRefusal = 'UNLINKED' | 'UNVERIFIABLE';

/** Whether a bearer token may be Entra's. The gateway's own tokens use another algorithm. */
export function isMicrosoftToken(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg === 'RS256';
  } catch {
    return false;
  }
}

/**
 * Authenticates the admin that is linked with the user of a token of Entra, in an enterprise whose bot has the token's application and tenant. If several
 * are linked with the user, the latest link counts.
 * @returns the admin's credentials, until the token expires; `INACTIVE` for an admin who is SUSPENDED or CLOSED; `ENDED` for a token that has expired;
 *   `undefined` for a token that is not genuine, or not for a bot of the gateway
 */
export async function authenticateMicrosoftUser(
  gateway: Pick<Gateway, 'prisma' | 'microsoft' | 'publicUrl' | 'log'>,
  token: string,
): Promise<Credentials | MicrosoftUserRefusal | 'INACTIVE' | 'ENDED' | undefined> {
  const user = await identifyUser(gateway, token).catch((error) => {
    if (!(error instanceof PlatformError)) throw error;
    gateway.log.error({ err: error }, 'cannot verify a user of Microsoft Entra');
    return 'UNVERIFIABLE' as const;
  });
  if (user === 'EXPIRED') return 'ENDED';
  if (typeof user !== 'object') return user;
  const admins = await gateway.prisma.enterpriseAdmin.findMany({
    where: { enterpriseSid: { in: [...user.enterpriseSids] }, microsoftTenantId: user.tenantId, microsoftObjectId: user.objectId },
    include: WITH_ENTERPRISE,
    orderBy: [{ dateMicrosoftLinked: 'desc' }, { sid: 'asc' }],
  });
  const admin = admins.find(({ status }) => status === 'ACTIVE') ?? admins[0];
  if (!admin) return 'UNLINKED';
  const credentials = credentialsOfAdmin(admin);
  return credentials === 'INACTIVE' ? credentials : { ...credentials, expires: user.expires };
}

const NOT_OF_THE_BOT = "must be an unexpired token that Microsoft Entra has issued for the bot's application and a user of its tenant";

/**
 * Links the calling admin with the user of a token that Entra has issued for the application of the enterprise's bot. Replaces an existing link.
 * @throws InvalidInputError for any other token; PlatformError if it cannot be verified; EndedCredentialsError
 */
export function linkMicrosoftUser(gateway: Gateway, caller: Caller, input: LinkMicrosoftUserInput): Promise<LinkedAdmin> {
  return idempotently(gateway, caller, 'linkMicrosoftUser', input, async (remember) => {
    const { token } = parseInput(linkInput, input);
    const { adminSid: sid = '', enterpriseSid = '' } = caller;
    const user = await identifyUser(gateway, token);
    if (typeof user !== 'object' || !user.enterpriseSids.includes(enterpriseSid)) throw invalidParameter(['token'], NOT_OF_THE_BOT);
    const { tenantId: microsoftTenantId, objectId: microsoftObjectId } = user;
    return inTransaction(gateway.prisma, async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM enterprise_admin WHERE sid = ${sid} FOR NO KEY UPDATE`;
      await holdCredentials(tx, caller);
      const before = await tx.enterpriseAdmin.findUniqueOrThrow({ where: { sid } });
      const changed = before.microsoftTenantId !== microsoftTenantId || before.microsoftObjectId !== microsoftObjectId;
      if (changed) await setLink(tx, before, { microsoftTenantId, microsoftObjectId, dateMicrosoftLinked: new Date() });
      const linked = { sid, enterpriseSid };
      await remember(tx, linked, { changed });
      return linked;
    }).finally(() => gateway.verified.drop(sid));
  });
}

/**
 * Ends the single sign-on of an enterprise's admin, and revokes the admin's access tokens, except for the caller's own.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND (4051)
 */
export function unlinkMicrosoftUser(gateway: Gateway, caller: Caller, input: UnlinkMicrosoftUserInput): Promise<LinkedAdmin> {
  return idempotently(gateway, caller, 'unlinkMicrosoftUser', input, async (remember) => {
    const { enterpriseSid: given = '' } = parseInput(unlinkInput, input);
    const enterprise = await findEnterprise(gateway, caller, given);
    if (!enterprise) throw enterpriseNotFound(given, ['enterpriseSid']);
    const { sid: enterpriseSid } = enterprise;
    return inTransaction(gateway.prisma, async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM enterprise_admin WHERE enterprise_sid = ${enterpriseSid} FOR NO KEY UPDATE`;
      const before = await tx.enterpriseAdmin.findUniqueOrThrow({ where: { enterpriseSid } });
      const changed = before.microsoftObjectId !== null;
      if (changed) await setLink(tx, before, NO_LINK, caller.accessTokenSid);
      const unlinked = { sid: before.sid, enterpriseSid };
      await remember(tx, unlinked, { changed });
      return unlinked;
    }).finally(() => gateway.verified.drop(enterpriseSid));
  });
}
