import { randomBytes } from 'node:crypto';
import { type Account, type AccountStatus, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { ADVISORY_LOCKS } from '../../database/advisory-locks.ts';
import { type AuditAction, appendAudit, operatorOn } from '../audit.ts';
import { type Credentials, type HeldPermission, permissions } from '../caller.ts';
import { violatedConstraint } from '../constraints.ts';
import type { Gateway } from '../gateway.ts';
import type { Secrets } from '../secrets.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { accountSid, isSid, newSid } from '../values/sid.ts';
import { isEmail, MAX_EMAIL_LENGTH } from '../values/text.ts';
import { releaseLanes } from '../waiting.ts';

/** An operator's account command cannot be carried out. The message is for the operator. */
export class AccountError extends Error {
  override readonly name = 'AccountError';
}

type AccountDeps = Pick<Gateway, 'prisma' | 'secrets'> & CredentialCache;
/** The cache of verified credentials, if this process has one: changed accounts are dropped from it. */
type CredentialCache = Partial<Pick<Gateway, 'verified'>>;

/** An account without its token's digest. */
export type AccountDetails = Omit<Account, 'tokenDigest' | 'tokenKeyId'>;

export interface NewAccount {
  /** The sid of an existing organization, or the name of a new one. */
  readonly organization: { readonly sid: string } | { readonly name: string };
  readonly email: string;
  /** Defaults to the e-mail address. */
  readonly friendlyName?: string;
  /** Defaults to the sid that Restcomm would assign: AC and the md5 of the lower-case e-mail address. */
  readonly sid?: string;
  /** Defaults to a random one. */
  readonly authToken?: string;
  /** Defaults to PROVIDER_PERMISSIONS. */
  readonly permissions?: readonly HeldPermission[];
}

/** An account and its token. The token is not available later: only its keyed digest is stored. */
export interface IssuedAccount {
  readonly account: AccountDetails;
  readonly authToken: string;
}

/** The permissions of a provider's account. */
export const PROVIDER_PERMISSIONS: readonly HeldPermission[] = ['read', 'write', 'secrets', 'audit'];
/** The permissions of a read-only account, which sees no secrets. */
export const READ_ONLY_PERMISSIONS: readonly HeldPermission[] = ['read'];
const DEFAULT_EMAIL = 'provider@example.com';
const DEFAULT_ORGANIZATION = 'Communications Provider';

const WITHOUT_TOKEN = { tokenDigest: true, tokenKeyId: true } satisfies Prisma.AccountOmit;

/**
 * Creates an account.
 * @throws AccountError if the e-mail address already has an account, the organization is unknown, or a value is malformed
 */
export function createAccount({ prisma, secrets }: AccountDeps, input: NewAccount): Promise<IssuedAccount> {
  return inTransaction(prisma, (tx) => insertAccount(tx, secrets, input));
}

/**
 * Creates an account inside a transaction.
 * @throws AccountError as createAccount; the transaction can then only be rolled back
 */
export async function insertAccount(tx: Transaction, secrets: Secrets, input: NewAccount): Promise<IssuedAccount> {
  const issued = await insertUnrecorded(tx, secrets, input);
  await record(tx, 'account.create', issued.account);
  return issued;
}

/**
 * Creates an account inside a transaction. The caller appends it to the audit log.
 * @throws AccountError as insertAccount
 */
export async function insertUnrecorded(tx: Transaction, secrets: Secrets, input: NewAccount): Promise<IssuedAccount> {
  const email = input.email.trim();
  if (email.length > MAX_EMAIL_LENGTH || !isEmail(email)) throw new AccountError(`${JSON.stringify(email)} is not an e-mail address.`);
  const authToken = input.authToken ?? newToken();
  const organizationSid = await organizationOf(tx, input.organization);
  try {
    const account = await tx.account.create({
      omit: WITHOUT_TOKEN,
      data: {
        sid: input.sid ?? accountSid(email),
        organizationSid,
        email,
        friendlyName: input.friendlyName ? nameOf(input.friendlyName) : email,
        permissions: [...(input.permissions ?? PROVIDER_PERMISSIONS)],
        ...digestOf(secrets, authToken),
      },
    });
    return { account, authToken };
  } catch (error) {
    if (violatedConstraint(error) !== undefined) throw new AccountError(`An account for ${email} already exists.`, { cause: error });
    throw error;
  }
}

/**
 * Gives the account a new token. The old one stops working at once, and so do the account's access tokens, since a holder of the old token may have
 * created them.
 * @throws AccountError if the account does not exist or is CLOSED
 */
export async function rotateToken({ prisma, secrets, verified }: AccountDeps, sid: string): Promise<IssuedAccount> {
  return inTransaction(prisma, async (tx) => {
    const issued = await replaceToken(tx, secrets, sid);
    await record(tx, 'account.rotateToken', issued.account);
    return issued;
  }).finally(() => verified?.drop(sid));
}

/**
 * Gives the account a new token inside a transaction, and revokes its access tokens.
 * @throws AccountError as rotateToken
 */
export async function replaceToken(tx: Transaction, secrets: Secrets, sid: string): Promise<IssuedAccount> {
  const authToken = newToken();
  const account = await update(tx, sid, digestOf(secrets, authToken));
  await tx.accessToken.updateMany({ where: { accountSid: sid, adminSid: null, dateRevoked: null }, data: { dateRevoked: new Date() } });
  return { account, authToken };
}

/**
 * Suspends the account: its credentials are refused until it is activated.
 * @throws AccountError as rotateToken
 */
export function suspendAccount({ prisma, verified }: Pick<AccountDeps, 'prisma'> & CredentialCache, sid: string): Promise<AccountDetails> {
  return setStatus(prisma, sid, 'SUSPENDED').finally(() => verified?.drop(sid));
}

/**
 * Activates a suspended account: its credentials are accepted again, and its waiting messages are delivered.
 * @throws AccountError as rotateToken
 */
export function activateAccount(
  { prisma, verified, hints }: Pick<AccountDeps, 'prisma'> & CredentialCache & Partial<Pick<Gateway, 'hints'>>,
  sid: string,
): Promise<AccountDetails> {
  return setStatus(prisma, sid, 'ACTIVE').finally(() => {
    verified?.drop(sid);
    hints?.queued();
  });
}

/** Lists every account with its organization, by creation of the organization, then of the account. */
export function listAccounts({ prisma }: Pick<AccountDeps, 'prisma'>) {
  return prisma.account.findMany({
    omit: WITHOUT_TOKEN,
    include: { organization: true },
    orderBy: [{ organization: { dateCreated: 'asc' } }, { organizationSid: 'asc' }, { dateCreated: 'asc' }, { sid: 'asc' }],
  });
}

/** Matches no token: compared for an unknown account, so that it takes the same time as a wrong token. */
const DUMMY_DIGEST = randomBytes(32);

/**
 * Authenticates an account by its auth token. An unknown account costs the same work as a wrong token and has the same result.
 * @returns the account's credentials; `INACTIVE` for the right token of an account that is SUSPENDED or CLOSED; `undefined` for anything else
 */
export async function authenticate(
  { prisma, secrets }: AccountDeps,
  sid: string,
  authToken: string,
): Promise<Credentials | 'INACTIVE' | undefined> {
  // PostgreSQL refuses NUL, so only a well-formed sid is looked up.
  const account = isSid('AC', sid) ? await prisma.account.findUnique({ where: { sid } }) : null;
  const matches = secrets.matches(authToken, account?.tokenDigest ?? DUMMY_DIGEST, account?.tokenKeyId ?? '');
  if (!account || !matches) return undefined;
  if (account.status !== 'ACTIVE') return 'INACTIVE';
  const tokenDigest = await digestUnderCurrentKey({ prisma, secrets }, account, authToken);
  return {
    organizationSid: account.organizationSid,
    accountSid: account.sid,
    permissions: permissionsOf(account),
    credentialDigest: Buffer.from(tokenDigest).toString('base64'),
  };
}

/**
 * Digests an account's token under the current key. Only the caller has the token, so an account leaves a retired key when it next logs in. A digest
 * that was changed meanwhile is not overwritten.
 * @returns the token's digest under the current key
 */
async function digestUnderCurrentKey({ prisma, secrets }: AccountDeps, { sid, tokenDigest, tokenKeyId }: Account, authToken: string) {
  if (tokenKeyId === secrets.keyId) return tokenDigest;
  const current = digestOf(secrets, authToken);
  await prisma.account.updateMany({ where: { sid, tokenDigest, tokenKeyId }, data: current });
  return current.tokenDigest;
}

/** Reads the permissions of an account or an access token; values that this gateway does not know are ignored. */
export const permissionsOf = (holder: { readonly permissions: readonly string[] }): ReadonlySet<HeldPermission> =>
  new Set(permissions.filter((permission) => holder.permissions.includes(permission)));

interface BootstrapSettings {
  readonly bootstrapAccountSid?: string;
  readonly bootstrapAuthToken?: string;
  readonly bootstrapAccountEmail?: string;
}

/**
 * Creates the first organization and account of a new database, with defaults for settings that are unset. If several gateways start at once on one
 * database, only one creates them.
 * @returns the account, with `authTokenMadeUp` true if its token was generated; `undefined` if the database has accounts
 * @throws AccountError as hasAccounts
 */
export async function bootstrapAccount(
  { prisma, sql, secrets }: AccountDeps & Pick<Gateway, 'sql'>,
  settings: BootstrapSettings,
): Promise<(IssuedAccount & { readonly authTokenMadeUp: boolean }) | undefined> {
  if (await hasAccounts({ sql, secrets })) return undefined;
  const first = await inTransaction(prisma, async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${ADVISORY_LOCKS.firstAccount})`;
    if ((await tx.account.count()) > 0) return undefined;
    const issued = await insertAccount(tx, secrets, {
      organization: { name: DEFAULT_ORGANIZATION },
      email: settings.bootstrapAccountEmail ?? DEFAULT_EMAIL,
      sid: settings.bootstrapAccountSid,
      authToken: settings.bootstrapAuthToken,
    });
    return { ...issued, authTokenMadeUp: settings.bootstrapAuthToken === undefined };
  });
  // Another gateway was faster: under the same key?
  if (!first) await hasAccounts({ sql, secrets });
  return first;
}

/**
 * Whether the database has accounts.
 * @throws AccountError if their tokens were digested under other master keys: all of them would be refused
 */
export async function hasAccounts({ sql, secrets }: Pick<Gateway, 'sql' | 'secrets'>): Promise<boolean> {
  const keys = await sql.query<{ token_key_id: string }>('SELECT DISTINCT token_key_id FROM account', []);
  if (keys.length > 0 && !keys.some(({ token_key_id }) => secrets.holds(token_key_id))) {
    throw new AccountError("SECRETS_KEY is not the key that this database's accounts and secrets were created with. Set the original key.");
  }
  return keys.length > 0;
}

/** A token in Restcomm's form: 32 hex digits, 128 random bits. */
const newToken = () => randomBytes(16).toString('hex');

/** The columns that hold a token's digest. */
function digestOf(secrets: Secrets, authToken: string) {
  const { digest, keyId } = secrets.digest(authToken);
  return { tokenDigest: digest, tokenKeyId: keyId };
}

async function organizationOf(tx: Transaction, organization: NewAccount['organization']): Promise<string> {
  if ('name' in organization) return (await tx.organization.create({ data: { sid: newSid('OR'), name: nameOf(organization.name) } })).sid;
  const existing = await tx.organization.findUnique({ where: { sid: organization.sid }, select: { sid: true } });
  if (!existing) throw new AccountError(`There is no organization ${organization.sid}.`);
  return existing.sid;
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
    const account = await changeStatus(tx, sid, status);
    await record(tx, status === 'ACTIVE' ? 'account.activate' : 'account.suspend', account);
    return account;
  });
}

/**
 * Suspends or activates the account inside a transaction.
 * @throws AccountError as rotateToken
 */
export async function changeStatus(tx: Transaction, sid: string, status: 'ACTIVE' | 'SUSPENDED'): Promise<AccountDetails> {
  const account = await update(tx, sid, { status });
  if (status === 'ACTIVE') await releaseLanes(tx, { accountSid: sid, reasons: ['ACCOUNT_SUSPENDED'] });
  return account;
}

async function update(
  prisma: Pick<Transaction, 'account'>,
  sid: string,
  data: { status?: AccountStatus; tokenDigest?: Uint8Array<ArrayBuffer>; tokenKeyId?: string },
) {
  try {
    return await prisma.account.update({
      where: { sid, status: { not: 'CLOSED' } },
      omit: WITHOUT_TOKEN,
      data: { ...data, dateUpdated: new Date() },
    });
  } catch (error) {
    if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2025') throw error;
    const isClosed = (await prisma.account.count({ where: { sid } })) > 0;
    throw new AccountError(isClosed ? `The account ${sid} is CLOSED, which is final.` : `There is no account ${sid}.`, { cause: error });
  }
}
