import * as z from 'zod';
import type { Account, AccountStatus } from '../../../prisma/client/client.ts';
import { type Caller, permissions } from '../caller.ts';
import { accountNotFound, ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { invalidParameter, type Keyed, lookup, mandatory, optional, parseInput } from '../input.ts';
import { edgeOf, type ListDefinition, type Order, type PageArguments, readPage } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { newSid } from '../values/sid.ts';
import { fold, isEmail, MAX_EMAIL_LENGTH } from '../values/text.ts';
import { EndedCredentialsError, holdCredentials } from './access-tokens.ts';
import { type AccountDetails, changeStatus, insertUnrecorded, permissionsOf, replaceToken } from './accounts.ts';

// An organization manages its own accounts here; the operator manages everybody's on the command line (accounts.ts). No account gets or gives more than
// the caller's own permissions, and none locks itself out by mistake.

const createInput = z.object({
  email: mandatory(MAX_EMAIL_LENGTH).refine((text) => text === '' || isEmail(text), 'must be an e-mail address'),
  friendlyName: optional().refine((text) => !text || !/\p{Cc}/u.test(text), 'must not contain control characters'),
  permissions: z.array(z.enum(permissions)).refine((list) => list.length > 0, 'must not be empty'),
});
const rotateInput = z.object({ sid: lookup(), own: z.boolean().nullish() });
const statusInput = z.object({ sid: lookup() });

type CreateAccountInput = z.input<typeof createInput> & Keyed;
type RotateAccountTokenInput = z.input<typeof rotateInput> & Keyed;
type AccountStatusInput = z.input<typeof statusInput> & Keyed;
interface AccountFilter {
  readonly statuses?: readonly AccountStatus[] | null;
}
type AccountOrderField = 'DATE_CREATED';

/** An account, and its new token, which is returned only once: a repeated request has none. */
export interface AccountWithToken {
  readonly account: Pick<Account, 'sid'>;
  readonly authToken?: string;
}

/**
 * Creates an account in the caller's organization. Its sid is random, since one that is made of the e-mail address could be another tenant's at Restcomm.
 * @throws InvalidInputError, also for a permission that the caller does not have; ConflictError ACCOUNT_EXISTS; EndedCredentialsError
 */
export async function createOwnAccount(gateway: Gateway, caller: Caller, input: CreateAccountInput): Promise<AccountWithToken> {
  let authToken: string | undefined;
  const account = await idempotently(gateway, caller, 'createAccount', input, async (remember) => {
    const { email, friendlyName, permissions: requested } = parseInput(createInput, input);
    refuseExcess(caller, requested, ['permissions']);
    return inTransaction(gateway.prisma, async (tx) => {
      await lockAccounts(tx, caller);
      const existing = await tx.account.findMany({ where: { organizationSid: caller.organizationSid }, select: { email: true } });
      if (existing.some((one) => fold(one.email) === fold(email))) {
        throw new ConflictError('ACCOUNT_EXISTS', 'An account with this e-mail address exists', { value: email, path: ['email'] });
      }
      const issued = await insertUnrecorded(tx, gateway.secrets, {
        organization: { sid: caller.organizationSid },
        sid: newSid('AC'),
        email,
        friendlyName,
        permissions: permissions.filter((permission) => requested.includes(permission)),
      });
      await remember(tx, issued.account);
      authToken = issued.authToken;
      return issued.account;
    });
  });
  return { account, authToken };
}

/**
 * Gives an account of the caller's organization a new auth token. Its streams and access tokens end.
 * @throws InvalidInputError, also for an account that has permissions which the caller does not have; NotFoundError ACCOUNT_NOT_FOUND;
 *   ConflictError ACCOUNT_CLOSED, OWN_ACCOUNT unless `own` is true; EndedCredentialsError
 */
export async function rotateOwnAccountToken(gateway: Gateway, caller: Caller, input: RotateAccountTokenInput): Promise<AccountWithToken> {
  let authToken: string | undefined;
  let changed: string | undefined;
  const account = await idempotently(gateway, caller, 'rotateAccountToken', input, async (remember) => {
    const { sid = '', own } = parseInput(rotateInput, input);
    return inTransaction(gateway.prisma, async (tx) => {
      const before = await lockAccount(tx, caller, sid);
      if (before.sid === caller.accountSid && !own) throw ownAccount(sid, 'set `own` to replace the token that you authenticate with');
      const issued = await replaceToken(tx, gateway.secrets, before.sid);
      await remember(tx, issued.account);
      authToken = issued.authToken;
      changed = before.sid;
      return issued.account;
    });
  }).finally(() => changed && gateway.verified.drop(changed));
  return { account, authToken };
}

/**
 * Suspends an account of the caller's organization: its credentials are refused, and its streams end.
 * @throws as rotateOwnAccountToken; OWN_ACCOUNT in any case
 */
export const suspendOwnAccount = (gateway: Gateway, caller: Caller, input: AccountStatusInput) =>
  setStatus(gateway, caller, input, 'suspendAccount', 'SUSPENDED');

/**
 * Activates a suspended account of the caller's organization, and releases its waiting messages.
 * @throws as rotateOwnAccountToken
 */
export async function activateOwnAccount(gateway: Gateway, caller: Caller, input: AccountStatusInput): Promise<Pick<Account, 'sid'>> {
  const account = await setStatus(gateway, caller, input, 'activateAccount', 'ACTIVE');
  gateway.hints.queued();
  return account;
}

function setStatus(
  gateway: Gateway,
  caller: Caller,
  input: AccountStatusInput,
  operation: 'suspendAccount' | 'activateAccount',
  status: 'ACTIVE' | 'SUSPENDED',
): Promise<Pick<Account, 'sid'>> {
  const { sid = '' } = parseInput(statusInput, input);
  return idempotently<AccountDetails>(gateway, caller, operation, input, (remember) =>
    inTransaction(gateway.prisma, async (tx) => {
      const before = await lockAccount(tx, caller, sid);
      if (before.sid === caller.accountSid && status === 'SUSPENDED') throw ownAccount(sid, 'another account has to suspend it');
      const account = before.status === status ? before : await changeStatus(tx, before.sid, status);
      await remember(tx, account, { changed: before.status !== status });
      return account;
    }),
  ).finally(() => gateway.verified.drop(sid));
}

const ownAccount = (sid: string, why: string) =>
  new ConflictError('OWN_ACCOUNT', `This account is your own: ${why}`, { value: sid, path: ['sid'] });

/**
 * Locks the organization's accounts against other changes of this kind, so that two accounts cannot suspend each other, and those that have just lost
 * their rights change nothing.
 * @throws EndedCredentialsError
 */
async function lockAccounts(tx: Transaction, caller: Caller): Promise<void> {
  const { organizationSid, accountSid } = caller;
  await tx.$queryRaw`SELECT 1 FROM organization WHERE sid = ${organizationSid} FOR NO KEY UPDATE`;
  await holdCredentials(tx, caller);
  const { status } = await tx.account.findUniqueOrThrow({ where: { sid: accountSid }, select: { status: true } });
  if (status !== 'ACTIVE') throw new EndedCredentialsError('The account is no longer active');
}

/** @throws as rotateOwnAccountToken */
async function lockAccount(tx: Transaction, caller: Caller, sid: string): Promise<AccountDetails> {
  await lockAccounts(tx, caller);
  const account = await tx.account.findUnique({
    where: { sid, organizationSid: caller.organizationSid },
    omit: { tokenDigest: true, tokenKeyId: true },
  });
  if (!account) throw accountNotFound(sid);
  if (account.status === 'CLOSED') throw new ConflictError('ACCOUNT_CLOSED', 'Account is CLOSED', { value: sid, path: ['sid'] });
  refuseExcess(caller, [...permissionsOf(account)], ['sid'], sid);
  return account;
}

/** @throws InvalidInputError for a permission that the caller does not have */
function refuseExcess(caller: Caller, requested: Iterable<Account['permissions'][number]>, path: readonly string[], value?: string): void {
  const excess = [...requested].find((permission) => !(caller.permissions as ReadonlySet<string>).has(permission));
  if (!excess) return;
  const why = value ? 'has a permission that you do not have' : 'must be your own permissions';
  throw invalidParameter(path, why, value ?? excess);
}

const LIST: ListDefinition<Account, AccountOrderField> = { name: 'accounts', columns: { DATE_CREATED: 'dateCreated' } };

/** The edge of an account in the default order of its list. */
export const accountEdge = (account: Account) => edgeOf(LIST, 'DATE_CREATED', account);

/** Reads one page of the accounts of the caller's organization. Sorted by creation by default. */
export function listOwnAccounts(
  { prisma }: Gateway,
  caller: Caller,
  { statuses }: AccountFilter,
  order: Order<AccountOrderField> = { field: 'DATE_CREATED', direction: 'ASC' },
  page: PageArguments = {},
): Promise<Page<Account>> {
  return readPage(
    caller,
    LIST,
    {
      find: (range) => prisma.account.findMany(range),
      count: async (where) => ({ count: await prisma.account.count({ where }), isExact: true }),
    },
    [{ organizationSid: caller.organizationSid }, statuses ? { status: { in: [...statuses] } } : {}],
    order,
    page,
  );
}
