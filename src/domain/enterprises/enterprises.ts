import * as z from 'zod';
import { type Enterprise, type EnterpriseStatus, Prisma } from '../../../prisma/client/client.ts';
import { readsOf } from '../../database/lists/reads.ts';
import { selectRow } from '../../database/lists/select.ts';
import type { Table } from '../../database/lists/table.ts';
import type { Caller } from '../caller.ts';
import { enterprises } from '../confinement.ts';
import { violatedConstraint } from '../constraints.ts';
import { ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently, type Remember } from '../idempotency.ts';
import { changed, type Keyed, lookup, mandatory, mandatorySecret, optional, parseInput } from '../input.ts';
import { containing, literal, type TimeRanges, timesBetween } from '../lists/filters.ts';
import { edgeOf, type ListDefinition, type Order, type PageArguments, readPage, type Selection } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { deleteMappingsOf } from '../mappings/mapping-changes.ts';
import { inTransaction, inTransactionWithPlatform, type Transaction } from '../transaction.ts';
import { newSid, normalizeSid } from '../values/sid.ts';
import { fold, isEmail, MAX_EMAIL_LENGTH } from '../values/text.ts';
import { releaseWaiting } from '../waiting.ts';
import { changeAdmin } from './admin-changes.ts';
import { differs } from './changes.ts';
import {
  type AdminAccount,
  createAdminAccount,
  emailNotUnique,
  keepUnusedAccount,
  newAdmin,
  refuseTakenEmail,
  setAdminStatus,
  takeAccount,
} from './enterprise-admins.ts';
import { lockOpenEnterprise } from './enterprise-state.ts';
import { announceAccount, forgetAnnounced } from './former-accounts.ts';

const openStatus = z
  .string()
  .pipe(z.enum(['ACTIVE', 'INACTIVE'], 'must be ACTIVE or INACTIVE'))
  .nullish();

const NOT_AN_EMAIL = 'must be an e-mail address';
const createInput = z.object({
  name: mandatory(),
  status: openStatus,
  enterpriseAdmin: z.object({
    email: mandatory(MAX_EMAIL_LENGTH).refine((email) => email === '' || isEmail(email), NOT_AN_EMAIL),
    password: mandatorySecret(),
    name: optional(),
  }),
});
const updateInput = z.object({
  sid: lookup(),
  name: changed(),
  status: openStatus,
  enterpriseAdmin: z
    .object({
      email: changed(MAX_EMAIL_LENGTH).refine((email) => !email || isEmail(email), NOT_AN_EMAIL),
      name: changed(),
    })
    .nullish(),
});
const closeInput = z.object({ sid: lookup(), deleteMappings: z.boolean().nullish() });

type CreateEnterpriseInput = z.input<typeof createInput> & Keyed;
type UpdateEnterpriseInput = z.input<typeof updateInput> & Keyed;
type CloseEnterpriseInput = z.input<typeof closeInput> & Keyed;

interface EnterpriseFilter extends TimeRanges {
  name?: string | null;
  statuses?: readonly EnterpriseStatus[] | null;
}
type EnterpriseOrderField = 'DATE_CREATED' | 'NAME';

export const ENTERPRISES: Table<Enterprise> = {
  name: 'enterprise',
  fields: Object.values(Prisma.EnterpriseScalarFieldEnum),
  owner: 'organizationSid',
  indexes: [{ by: 'status', order: 'dateCreated' }, { order: 'dateCreated', isDense: true }, { order: 'nameFolded' }],
  trigrams: ['nameFolded'],
};

/** Finds an enterprise in the caller's reach; `null` where there is none. */
export function findEnterprise({ sql }: Gateway, caller: Caller, sid: string): Promise<Enterprise | null> {
  return selectRow(sql, ENTERPRISES, { sid: normalizeSid(sid), ...enterprises(caller) });
}

const LIST: ListDefinition<Enterprise, EnterpriseOrderField> = {
  name: 'enterprises',
  columns: { DATE_CREATED: 'dateCreated', NAME: 'nameFolded' },
};

/** The edge of an enterprise in the default order of its lists. */
export const enterpriseEdge = (enterprise: Enterprise) => edgeOf(LIST, 'DATE_CREATED', enterprise);

/** Reads one page of the enterprises in the caller's reach. Sorted by creation by default. */
export function listEnterprises(
  { sql }: Gateway,
  caller: Caller,
  filter: EnterpriseFilter,
  order: Order<EnterpriseOrderField> = { field: 'DATE_CREATED', direction: 'ASC' },
  page: PageArguments = {},
  selection?: Selection,
): Promise<Page<Enterprise>> {
  const where = [
    enterprises(caller),
    containing('nameFolded', literal('name', filter.name)),
    filter.statuses ? { status: { in: [...filter.statuses] } } : {},
    timesBetween(filter),
  ];
  return readPage(caller, LIST, readsOf(sql, ENTERPRISES), where, order, page, selection);
}

/**
 * Creates an enterprise, and its admin's sub-account on the platform. Where the gateway crashes after the platform's part, repeating the request links the
 * account that then exists; until then, nobody gets in with it.
 * @throws InvalidInputError; ConflictError ENTERPRISE_NAME_NOT_UNIQUE (4050), EMAIL_NOT_UNIQUE (4001); PlatformError (452)
 */
export function createEnterprise(gateway: Gateway, caller: Caller, input: CreateEnterpriseInput): Promise<Enterprise> {
  return idempotently(gateway, caller, 'createEnterprise', input, async (remember) => {
    const { name, status, enterpriseAdmin } = parseInput(createInput, input);
    await refuseTakenName(gateway, caller, name);
    await refuseTakenEmail(gateway.prisma, caller.organizationSid, enterpriseAdmin.email);
    const announced = await announceAccount(gateway.prisma, caller.organizationSid, enterpriseAdmin.email);
    let account: AdminAccount | undefined;
    const work = async (tx: Transaction, { accountSid, existed }: AdminAccount, admin: Awaited<ReturnType<typeof newAdmin>>) => {
      const enterprise = await tx.enterprise.create({
        data: {
          sid: newSid('EN'),
          organizationSid: caller.organizationSid,
          accountSid: caller.accountSid,
          name,
          nameFolded: fold(name),
          status: 'ACTIVE',
        },
      });
      const { sid: adminSid } = await tx.enterpriseAdmin.create({
        data: { ...admin, sid: newSid('RCS'), organizationSid: caller.organizationSid, enterpriseSid: enterprise.sid },
      });
      await forgetAnnounced(tx, announced);
      if (status !== 'INACTIVE' && existed) {
        await takeAccount(gateway, tx, { accountSid, sid: adminSid, enterpriseSid: enterprise.sid }, 'ACTIVE');
      }
      const created = status === 'INACTIVE' ? await changeStatus(gateway, tx, enterprise, 'INACTIVE') : enterprise;
      await remember(tx, created);
      return created;
    };
    try {
      const made = await createAdminAccount(gateway, gateway.prisma, caller.organizationSid, enterpriseAdmin);
      account = made;
      const admin = await newAdmin(gateway, made, enterpriseAdmin);
      return await inTransaction(gateway.prisma, (tx) => work(tx, made, admin));
    } catch (error) {
      await keepUnusedAccount(gateway, caller.organizationSid, { error, account, announced });
      throw asUniquenessError(error, name, enterpriseAdmin.email);
    }
  });
}

/**
 * Renames an enterprise, activates or deactivates it, and changes its admin's name or e-mail address. Its admin's account on the platform gets the same
 * status and name. Another e-mail address means another account there (admin-changes.ts).
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053),
 *   ENTERPRISE_NAME_NOT_UNIQUE (4050), EMAIL_NOT_UNIQUE (4001); PlatformError (452)
 */
export function updateEnterprise(gateway: Gateway, caller: Caller, input: UpdateEnterpriseInput): Promise<Enterprise> {
  return idempotently(gateway, caller, 'updateEnterprise', input, async (remember) => {
    const { sid = '', name, status, enterpriseAdmin } = parseInput(updateInput, input);
    const email = enterpriseAdmin?.email;
    const announced = email === undefined ? undefined : await announceAccount(gateway.prisma, caller.organizationSid, email);
    let account: AdminAccount | undefined;
    const given = (it: AdminAccount) => {
      account = it;
    };
    const work = async (tx: Transaction) => {
      const before = await lockOpenEnterprise(tx, caller, sid);
      let enterprise = name === undefined ? before : await changeColumns(tx, before, { name, nameFolded: fold(name) });
      const admin = enterpriseAdmin && (await changeAdmin(gateway, tx, enterprise, enterpriseAdmin, given));
      await forgetAnnounced(tx, announced);
      if (admin?.changed) enterprise = await tx.enterprise.update({ where: { sid }, data: { dateUpdated: new Date() } });
      if (status) enterprise = await changeStatus(gateway, tx, enterprise, status);
      await remember(tx, enterprise, { changed: enterprise !== before });
      await admin?.leave?.();
      return enterprise;
    };
    const { prisma } = gateway;
    const asksPlatform = status || enterpriseAdmin;
    return (asksPlatform ? inTransactionWithPlatform(prisma, caller.organizationSid, work) : inTransaction(prisma, work))
      .catch(async (error) => {
        await keepUnusedAccount(gateway, caller.organizationSid, { error, account, announced });
        throw asUniquenessError(error, name ?? '', email);
      })
      .finally(() => asksPlatform && gateway.verified.drop(sid))
      .then((enterprise) => (status === 'ACTIVE' ? released(gateway, enterprise) : enterprise));
  });
}

/**
 * Closes an enterprise for good, and its admin's account on the platform. With `deleteMappings`, its mappings are deleted first and their numbers
 * released. Where the platform refuses one, those deleted before stay deleted, and the request can be repeated.
 * @throws NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053), ENTERPRISE_HAS_MAPPINGS (4052);
 *   PlatformError (452)
 */
export function closeEnterprise(gateway: Gateway, caller: Caller, input: CloseEnterpriseInput): Promise<Enterprise> {
  return idempotently(gateway, caller, 'closeEnterprise', input, async (remember) => {
    const { sid = '', deleteMappings } = parseInput(closeInput, input);
    if (deleteMappings) await deleteMappingsOf(gateway, caller, sid);
    const work = (tx: Transaction) => close(gateway, tx, caller, sid, remember);
    return inTransactionWithPlatform(gateway.prisma, caller.organizationSid, work)
      .finally(() => gateway.verified.drop(sid))
      .then((enterprise) => released(gateway, enterprise));
  });
}

async function close(gateway: Gateway, tx: Transaction, caller: Caller, sid: string, remember: Remember): Promise<Enterprise> {
  const open = await lockOpenEnterprise(tx, caller, sid);
  if (await tx.mapping.count({ where: { enterpriseSid: open.sid } })) {
    throw new ConflictError('ENTERPRISE_HAS_MAPPINGS', 'Enterprise has Mappings', { value: open.sid, path: ['sid'] });
  }
  const closed = await tx.enterprise.update({ where: { sid: open.sid }, data: { status: 'CLOSED', dateUpdated: new Date() } });
  await remember(tx, closed);
  await setAdminStatus(gateway, tx, closed.sid, 'CLOSED');
  return closed;
}

/**
 * Has an enterprise's waiting messages tried again. This comes after the transaction, whose lock on the enterprise keeps messages from being accepted
 * while these have their lanes locked. If it fails, the messages are tried somewhat later.
 */
async function released(gateway: Gateway, enterprise: Enterprise): Promise<Enterprise> {
  await releaseWaiting(gateway, { enterpriseSid: enterprise.sid }).catch((error) => {
    gateway.log.warn({ err: error, enterpriseSid: enterprise.sid }, 'cannot release the messages that wait for an enterprise');
  });
  return enterprise;
}

/** Changes an enterprise's status. The platform's part comes last, so that its refusal rolls everything back. */
async function changeStatus(gateway: Gateway, tx: Transaction, enterprise: Enterprise, status: 'ACTIVE' | 'INACTIVE'): Promise<Enterprise> {
  const changed = await changeColumns(tx, enterprise, { status });
  await setAdminStatus(gateway, tx, enterprise.sid, status);
  return changed;
}

/** Writes what differs from the row, with its dateUpdated. @returns the row as it is then; the same object if nothing differs */
async function changeColumns(tx: Transaction, enterprise: Enterprise, change: Partial<Enterprise>): Promise<Enterprise> {
  if (!differs(enterprise, change)) return enterprise;
  return tx.enterprise.update({ where: { sid: enterprise.sid }, data: { ...change, dateUpdated: new Date() } });
}

const nameNotUnique = (name: string) =>
  new ConflictError('ENTERPRISE_NAME_NOT_UNIQUE', 'Enterprise name not unique', { value: name, path: ['name'] });

/**
 * Refuses a name that another open enterprise has, before the platform creates a sub-account. The unique index decides.
 * @throws ConflictError ENTERPRISE_NAME_NOT_UNIQUE (4050)
 */
async function refuseTakenName({ prisma }: Gateway, caller: Caller, name: string): Promise<void> {
  const taken = await prisma.enterprise.findFirst({
    where: { organizationSid: caller.organizationSid, nameFolded: fold(name), status: { not: 'CLOSED' } },
    select: { sid: true },
  });
  if (taken) throw nameNotUnique(name);
}

/** ENTERPRISE_NAME_NOT_UNIQUE (4050) or EMAIL_NOT_UNIQUE (4001) for a violated unique index, else the error itself. */
function asUniquenessError(error: unknown, name: string, email = ''): unknown {
  const constraint = violatedConstraint(error);
  if (constraint?.includes('email')) return emailNotUnique(email);
  return constraint?.includes('name') ? nameNotUnique(name) : error;
}
