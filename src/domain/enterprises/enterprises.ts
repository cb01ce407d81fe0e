import { z } from 'zod';
import { type Enterprise, type EnterpriseStatus, Prisma } from '../../../prisma/client/client.ts';
import { readsOf } from '../../database/lists/reads.ts';
import { selectRow, type Table } from '../../database/lists/select.ts';
import type { Caller } from '../caller.ts';
import { enterprises } from '../confinement.ts';
import { violatedConstraint } from '../constraints.ts';
import { ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently, type Remember } from '../idempotency.ts';
import { changed, lookup, mandatory, optional, parseInput, SECRET } from '../input.ts';
import { type CreatedRange, containing, createdBetween, literal } from '../lists/filters.ts';
import { type Listed, type Order, type PageArguments, readPage, type Shown } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { newSid, sought } from '../sid.ts';
import { fold } from '../text.ts';
import { inTransaction, inTransactionWithPlatform, type Transaction } from '../transaction.ts';
import { createAdminAccount, emailNotUnique, refuseTakenEmail, setAdminStatus } from './enterprise-admins.ts';
import { lockOpenEnterprise } from './enterprise-state.ts';
import { deleteMappingsOf } from './mapping-changes.ts';

const openStatus = z
  .string()
  .pipe(z.enum(['ACTIVE', 'INACTIVE'], 'must be ACTIVE or INACTIVE'))
  .nullish();

const createInput = z.object({
  name: mandatory(),
  status: openStatus,
  enterpriseAdmin: z.object({
    emailId: mandatory(320).refine((email) => email === '' || /^[^\s@]+@[^\s@]+$/.test(email), 'must be an e-mail address'),
    password: mandatory(1024, SECRET),
    name: optional(),
  }),
});
const updateInput = z.object({ sid: lookup(), name: changed(), status: openStatus });
const closeInput = z.object({ sid: lookup(), deleteMappings: z.boolean().nullish() });

type Keyed = { idempotencyKey?: string | null };
export type CreateEnterpriseInput = z.input<typeof createInput> & Keyed;
export type UpdateEnterpriseInput = z.input<typeof updateInput> & Keyed;
export type CloseEnterpriseInput = z.input<typeof closeInput> & Keyed;

export interface EnterpriseFilter extends CreatedRange {
  name?: string | null;
  statuses?: readonly EnterpriseStatus[] | null;
}
export type EnterpriseOrderField = 'DATE_CREATED' | 'NAME';

export const ENTERPRISES: Table<Enterprise> = {
  name: 'enterprise',
  fields: Object.values(Prisma.EnterpriseScalarFieldEnum),
  owner: 'organizationSid',
};

/** The enterprise with this sid in the caller's organization, else `null`. */
export function findEnterprise({ sql }: Gateway, caller: Caller, sid: string): Promise<Enterprise | null> {
  return selectRow(sql, ENTERPRISES, { sid: sought(sid), ...enterprises(caller) });
}

const LIST: Listed<Enterprise, EnterpriseOrderField> = {
  name: 'enterprises',
  columns: { DATE_CREATED: 'dateCreated', NAME: 'nameFolded' },
};

/** One page of the caller's enterprises. Default order: creation. */
export function listEnterprises(
  { sql }: Gateway,
  caller: Caller,
  filter: EnterpriseFilter,
  order: Order<EnterpriseOrderField> = { field: 'DATE_CREATED', direction: 'ASC' },
  page: PageArguments = {},
  shown?: Shown,
): Promise<Page<Enterprise>> {
  const where = [
    enterprises(caller),
    containing('nameFolded', literal('name', filter.name)),
    filter.statuses ? { status: { in: [...filter.statuses] } } : {},
    createdBetween(filter),
  ];
  return readPage(caller, LIST, readsOf(sql, ENTERPRISES), where, order, page, shown);
}

/**
 * Creates an enterprise and its admin's sub-account on the platform. A crash after the platform's part is repaired by the same
 * request: the account then exists and is linked.
 * @throws InvalidInputError; ConflictError ENTERPRISE_NAME_NOT_UNIQUE (4050), EMAIL_NOT_UNIQUE (4001); PlatformError (452)
 */
export function createEnterprise(gateway: Gateway, caller: Caller, input: CreateEnterpriseInput): Promise<Enterprise> {
  return idempotently(gateway, caller, 'createEnterprise', input, async (remember) => {
    const { name, status, enterpriseAdmin } = parseInput(createInput, input);
    await refuseTakenName(gateway, caller, name);
    await refuseTakenEmail(gateway, caller, enterpriseAdmin.emailId);
    const admin = await createAdminAccount(gateway, enterpriseAdmin);
    return inTransaction(gateway.prisma, async (tx) => {
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
      await tx.enterpriseAdmin.create({
        data: { ...admin, sid: newSid('RCS'), organizationSid: caller.organizationSid, enterpriseSid: enterprise.sid },
      });
      const created = status === 'INACTIVE' ? await changeStatus(gateway, tx, enterprise, 'INACTIVE') : enterprise;
      await remember(tx, created);
      return created;
    }).catch((error) => {
      throw uniqueness(error, name, enterpriseAdmin.emailId);
    });
  });
}

/**
 * Renames an enterprise, activates or deactivates it. Its admin's account on the platform follows the status.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053),
 *   ENTERPRISE_NAME_NOT_UNIQUE (4050); PlatformError (452)
 */
export function updateEnterprise(gateway: Gateway, caller: Caller, input: UpdateEnterpriseInput): Promise<Enterprise> {
  return idempotently(gateway, caller, 'updateEnterprise', input, async (remember) => {
    const { sid, name, status } = parseInput(updateInput, input);
    const work = async (tx: Transaction) => {
      let enterprise = await lockOpenEnterprise(tx, caller, sid ?? '');
      if (name !== undefined) {
        enterprise = await tx.enterprise.update({
          where: { sid: enterprise.sid },
          data: { name, nameFolded: fold(name), dateUpdated: new Date() },
        });
      }
      if (status) enterprise = await changeStatus(gateway, tx, enterprise, status);
      await remember(tx, enterprise);
      return enterprise;
    };
    const { prisma } = gateway;
    return (status ? inTransactionWithPlatform(prisma, caller.organizationSid, work) : inTransaction(prisma, work))
      .catch((error) => {
        throw uniqueness(error, name ?? '');
      })
      .finally(() => status && gateway.verified.drop(sid ?? ''));
  });
}

/**
 * Closes an enterprise for good, and its admin's account on the platform. With `deleteMappings` its mappings are deleted first, their
 * numbers released; where the platform refuses one, those already deleted stay deleted and the request can be repeated.
 * @throws NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053), ENTERPRISE_HAS_MAPPINGS (4052);
 *   PlatformError (452)
 */
export function closeEnterprise(gateway: Gateway, caller: Caller, input: CloseEnterpriseInput): Promise<Enterprise> {
  return idempotently(gateway, caller, 'closeEnterprise', input, async (remember) => {
    const { sid = '', deleteMappings } = parseInput(closeInput, input);
    if (deleteMappings) await deleteMappingsOf(gateway, caller, sid);
    const work = (tx: Transaction) => close(gateway, tx, caller, sid, remember);
    return inTransactionWithPlatform(gateway.prisma, caller.organizationSid, work).finally(() => gateway.verified.drop(sid));
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

/** The platform's part comes last: where it refuses, the transaction takes everything back. */
async function changeStatus(gateway: Gateway, tx: Transaction, enterprise: Enterprise, status: 'ACTIVE' | 'INACTIVE'): Promise<Enterprise> {
  const changed = await tx.enterprise.update({ where: { sid: enterprise.sid }, data: { status, dateUpdated: new Date() } });
  await setAdminStatus(gateway, tx, enterprise.sid, status);
  return changed;
}

const nameNotUnique = (name: string) =>
  new ConflictError('ENTERPRISE_NAME_NOT_UNIQUE', 'Enterprise name not unique', { value: name, path: ['name'] });

/** Spares the platform a sub-account that the unique index would refuse anyway. */
async function refuseTakenName({ prisma }: Gateway, caller: Caller, name: string): Promise<void> {
  const taken = await prisma.enterprise.findFirst({
    where: { organizationSid: caller.organizationSid, nameFolded: fold(name), status: { not: 'CLOSED' } },
    select: { sid: true },
  });
  if (taken) throw nameNotUnique(name);
}

function uniqueness(error: unknown, name: string, email = ''): unknown {
  const constraint = violatedConstraint(error);
  if (constraint?.includes('email')) return emailNotUnique(email);
  return constraint?.includes('name') ? nameNotUnique(name) : error;
}
