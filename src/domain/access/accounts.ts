import { randomBytes } from 'node:crypto';
import { type Account, type AccountStatus, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { type AuditAction, appendAudit, operatorOn } from '../audit.ts';
import { type Credentials, type Permission, permissions } from '../caller.ts';
import { violatedConstraint } from '../constraints.ts';
import type { Gateway } from '../gateway.ts';
import type { Secrets } from '../secrets.ts';
import { accountSid, newSid } from '../sid.ts';
import { inTransaction, type Transaction } from '../transaction.ts';

/** What an operator asked of accounts can't be done. The message is for the operator. */
export class AccountError extends Error {
  override readonly name = 'AccountError';
}

type Deps = Pick<Gateway, 'prisma' | 'secrets'> & Changes;
/** Where this process keeps credentials that it verified, it is told what becomes of them. */
type Changes = Partial<Pick<Gateway, 'verified'>>;

/** An account without what its token is recognised by. */
export type AccountDetails = Omit<Account, 'tokenDigest' | 'tokenKeyId'>;

export interface NewAccount {
  /** One that is there, by its sid, or a new one with this name. */
  readonly organization: { readonly sid: string } | { readonly name: string };
  readonly email: string;
  /** The e-mail where it is absent. */
  readonly friendlyName?: string;
  /** Where absent, the one that Restcomm would give: AC and the md5 of the lower-case e-mail. */
  readonly sid?: string;
  /** Made up where absent. */
  readonly authToken?: string;
  /** All that a provider's account has, where absent. */
  readonly permissions?: readonly Permission[];
}

/** An account and its token, which is told here and never again: only a keyed digest of it is kept. */
export interface IssuedAccount {
  readonly account: AccountDetails;
  readonly authToken: string;
}

/** `large-pages` is the contract's to add. */
export const PROVIDER_PERMISSIONS: readonly Permission[] = ['read', 'write', 'secrets', 'audit'];
/** Of an account that changes nothing and sees no secret. */
export const READ_ONLY_PERMISSIONS: readonly Permission[] = ['read'];
const DEFAULT_EMAIL = 'provider@example.com';
const DEFAULT_ORGANIZATION = 'Communications Provider';
/** The number of the advisory lock that lets one gateway at a time look whether a database is new. Any, but always the same. */
const BOOTSTRAP_LOCK = 72_707_370;

const withoutToken = { tokenDigest: true, tokenKeyId: true } satisfies Prisma.AccountOmit;

/** @throws AccountError where the e-mail has an account, the organization is unknown, or a value is malformed */
export function createAccount({ prisma, secrets }: Deps, input: NewAccount): Promise<IssuedAccount> {
  return inTransaction(prisma, (tx) => insertAccount(tx, secrets, input));
}

/** createAccount inside a transaction, which fails with it. */
export async function insertAccount(tx: Transaction, secrets: Secrets, input: NewAccount): Promise<IssuedAccount> {
  const email = input.email.trim();
  if (email.length > 320 || !/^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email))
    throw new AccountError(`${JSON.stringify(email)} is not an e-mail address.`);
  const authToken = input.authToken ?? newToken();
  const organizationSid = await organizationOf(tx, input.organization);
  try {
    const account = await tx.account.create({
      omit: withoutToken,
      data: {
        sid: input.sid ?? accountSid(email),
        organizationSid,
        email,
        friendlyName: input.friendlyName ? nameOf(input.friendlyName) : email,
        permissions: [...(input.permissions ?? PROVIDER_PERMISSIONS)],
        ...recognisedBy(secrets, authToken),
      },
    });
    await record(tx, 'account.create', account);
    return { account, authToken };
  } catch (error) {
    if (violatedConstraint(error) !== undefined) throw new AccountError(`There is an account for ${email} already.`, { cause: error });
    throw error;
  }
}

/**
 * Gives the account a new token. The old one stops working at once, and so does every access token: whoever had the old one may have made some.
 * @throws AccountError where there is no such account, or it is CLOSED
 */
export async function rotateToken({ prisma, secrets, verified }: Deps, sid: string): Promise<IssuedAccount> {
  const authToken = newToken();
  return inTransaction(prisma, async (tx) => {
    const account = await update(tx, sid, recognisedBy(secrets, authToken));
    await tx.accessToken.updateMany({ where: { accountSid: sid, adminSid: null, dateRevoked: null }, data: { dateRevoked: new Date() } });
    await record(tx, 'account.rotateToken', account);
    return { account, authToken };
  }).finally(() => verified?.drop(sid));
}

/** Refuses the account's credentials until it is activated. @throws AccountError as rotateToken */
export function suspendAccount({ prisma, verified }: Pick<Deps, 'prisma'> & Changes, sid: string): Promise<AccountDetails> {
  return setStatus(prisma, sid, 'SUSPENDED').finally(() => verified?.drop(sid));
}

/** Takes the account's credentials again. @throws AccountError as rotateToken */
export function activateAccount({ prisma, verified }: Pick<Deps, 'prisma'> & Changes, sid: string): Promise<AccountDetails> {
  return setStatus(prisma, sid, 'ACTIVE').finally(() => verified?.drop(sid));
}

/** Every account with its organization, the oldest organization's first. */
export function listAccounts({ prisma }: Pick<Deps, 'prisma'>) {
  return prisma.account.findMany({
    omit: withoutToken,
    include: { organization: true },
    orderBy: [{ organization: { dateCreated: 'asc' } }, { organizationSid: 'asc' }, { dateCreated: 'asc' }, { sid: 'asc' }],
  });
}

/** Matched by nothing, since nobody can give the token it was made of. */
const NOBODY = randomBytes(32);

/**
 * Whose credentials these are. An unknown account costs the same work as a wrong token, and is not told apart from it.
 * @returns `INACTIVE` for the right token of an account that is SUSPENDED or CLOSED, `undefined` for anything else that is not valid
 */
export async function authenticate(
  { prisma, secrets }: Deps,
  sid: string,
  authToken: string,
): Promise<Credentials | 'INACTIVE' | undefined> {
  // PostgreSQL takes no NUL, so only what can be a sid is asked for.
  const account = /^AC[0-9a-f]{32}$/.test(sid) ? await prisma.account.findUnique({ where: { sid } }) : null;
  const matches = secrets.matches(authToken, account?.tokenDigest ?? NOBODY, account?.tokenKeyId ?? '');
  if (!account || !matches) return undefined;
  if (account.status !== 'ACTIVE') return 'INACTIVE';
  const tokenDigest = await underCurrentKey({ prisma, secrets }, account, authToken);
  return {
    organizationSid: account.organizationSid,
    accountSid: account.sid,
    permissions: permissionsOf(account),
    credentialDigest: Buffer.from(tokenDigest).toString('base64'),
  };
}

/**
 * Only who has the token can be digested anew, so an account leaves a retired key when it next logs in. Never over what was changed meanwhile.
 * @returns the digest by which the token is recognised now
 */
async function underCurrentKey({ prisma, secrets }: Deps, { sid, tokenDigest, tokenKeyId }: Account, authToken: string) {
  if (tokenKeyId === secrets.keyId) return tokenDigest;
  const anew = recognisedBy(secrets, authToken);
  await prisma.account.updateMany({ where: { sid, tokenDigest, tokenKeyId }, data: anew });
  return anew.tokenDigest;
}

/** What an account, an admin or an access token allows. */
export const permissionsOf = (held: { readonly permissions: readonly string[] }): ReadonlySet<Permission> =>
  new Set(permissions.filter((permission) => held.permissions.includes(permission)));

export interface BootstrapSettings {
  readonly bootstrapAccountSid?: string;
  readonly bootstrapAuthToken?: string;
  readonly bootstrapAccountEmail?: string;
}

/**
 * Makes the first organization and account of a new database, from the settings and made up where they are unset. Of gateways that
 * start at once on one database, one makes them.
 * @returns what was made, with `authTokenMadeUp` where nobody knows the token yet; `undefined` where the database has accounts
 * @throws AccountError as hasAccounts
 */
export function bootstrapAccount(
  { prisma, secrets }: Deps,
  settings: BootstrapSettings,
): Promise<(IssuedAccount & { readonly authTokenMadeUp: boolean }) | undefined> {
  return inTransaction(prisma, async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${BOOTSTRAP_LOCK})`;
    if (await hasAccounts({ prisma: tx, secrets })) return undefined;
    const issued = await insertAccount(tx, secrets, {
      organization: { name: DEFAULT_ORGANIZATION },
      email: settings.bootstrapAccountEmail ?? DEFAULT_EMAIL,
      sid: settings.bootstrapAccountSid,
      authToken: settings.bootstrapAuthToken,
    });
    return { ...issued, authTokenMadeUp: settings.bootstrapAuthToken === undefined };
  });
}

/**
 * Whether the database has accounts.
 * @throws AccountError where they belong to another master key: every caller would be refused, and new ones would belong to this one
 */
export async function hasAccounts({ prisma, secrets }: { prisma: Pick<Transaction, 'account'>; secrets: Secrets }): Promise<boolean> {
  const keys = await prisma.account.findMany({ distinct: ['tokenKeyId'], select: { tokenKeyId: true } });
  if (keys.length > 0 && !keys.some(({ tokenKeyId }) => secrets.holds(tokenKeyId))) {
    throw new AccountError("SECRETS_KEY is not the key that this database's accounts and secrets were made with. Set the one they were.");
  }
  return keys.length > 0;
}

/** As Restcomm makes them: 32 hex digits, 128 random bits. */
const newToken = () => randomBytes(16).toString('hex');

function recognisedBy(secrets: Secrets, authToken: string) {
  const { digest, keyId } = secrets.digest(authToken);
  return { tokenDigest: digest, tokenKeyId: keyId };
}

async function organizationOf(tx: Transaction, organization: NewAccount['organization']): Promise<string> {
  if ('name' in organization) return (await tx.organization.create({ data: { sid: newSid('OR'), name: nameOf(organization.name) } })).sid;
  const found = await tx.organization.findUnique({ where: { sid: organization.sid }, select: { sid: true } });
  if (!found) throw new AccountError(`There is no organization ${organization.sid}.`);
  return found.sid;
}

function nameOf(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > 255 || /\p{Cc}/u.test(name))
    throw new AccountError(`${JSON.stringify(name)} is not a name of 1 to 255 characters.`);
  return name;
}

const record = (tx: Transaction, action: AuditAction, { sid, organizationSid }: AccountDetails) =>
  appendAudit(tx, operatorOn(organizationSid), [{ action, targetSid: sid }]);

function setStatus(prisma: PrismaClient, sid: string, status: 'ACTIVE' | 'SUSPENDED'): Promise<AccountDetails> {
  return inTransaction(prisma, async (tx) => {
    const account = await update(tx, sid, { status });
    await record(tx, status === 'ACTIVE' ? 'account.activate' : 'account.suspend', account);
    return account;
  });
}

async function update(
  prisma: Pick<Transaction, 'account'>,
  sid: string,
  data: { status?: AccountStatus; tokenDigest?: Uint8Array<ArrayBuffer>; tokenKeyId?: string },
) {
  try {
    return await prisma.account.update({
      where: { sid, status: { not: 'CLOSED' } },
      omit: withoutToken,
      data: { ...data, dateUpdated: new Date() },
    });
  } catch (error) {
    if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2025') throw error;
    const closed = await prisma.account.count({ where: { sid } });
    throw new AccountError(closed ? `The account ${sid} is CLOSED, which is final.` : `There is no account ${sid}.`, { cause: error });
  }
}
