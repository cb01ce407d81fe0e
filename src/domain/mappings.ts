import { z } from 'zod';
import type { Mapping } from '../../prisma/client/client.ts';
import { credentialsOf } from './bots.ts';
import type { Caller } from './caller.ts';
import { violatedConstraint } from './constraints.ts';
import { holdOpenEnterprise, requireOpenEnterprise } from './enterprise-state.ts';
import { ConflictError, DomainError, mappingNotFound } from './errors.ts';
import { type CreatedRange, containing, createdBetween, literal } from './filters.ts';
import type { Gateway } from './gateway.ts';
import { idempotently, type Remember } from './idempotency.ts';
import { changed, lookup, mandatory, optional, parseInput } from './input.ts';
import { type Order, type Page, type PageArguments, readPage } from './keyset.ts';
import { newSid } from './sid.ts';
import { domainOf, fold } from './text.ts';
import { inTransaction } from './transaction.ts';

/** REST.md, Requests: digits with an optional leading +, 3 to 18 of them. */
const isNumber = (text: string | undefined) => !text || /^\+?[0-9]{3,18}$/.test(text);
const NOT_A_NUMBER = 'must be 3 to 18 digits with an optional leading +';

const createInput = z.object({
  name: optional(),
  microsoftAddress: mandatory(320),
  externalAddress: mandatory().refine(isNumber, NOT_A_NUMBER),
  enterpriseSid: mandatory(),
});
const updateInput = z.object({
  sid: lookup(),
  name: z.string().nullish().pipe(optional()),
  microsoftAddress: changed(320),
  externalAddress: changed().refine(isNumber, NOT_A_NUMBER),
  enterpriseSid: changed(),
});
const deleteInput = z.object({ sid: lookup() });

type Keyed = { idempotencyKey?: string | null };
export type CreateMappingInput = z.input<typeof createInput> & Keyed;
export type UpdateMappingInput = z.input<typeof updateInput> & Keyed;
export type DeleteMappingInput = z.input<typeof deleteInput> & Keyed;

export interface MappingFilter extends CreatedRange {
  /** The parent of a nested list; no filter can leave it. */
  within?: { enterpriseSid: string };
  enterpriseSid?: string | null;
  name?: string | null;
  microsoftAddress?: string | null;
  externalAddress?: string | null;
}
export type MappingOrderField = 'DATE_CREATED' | 'NAME' | 'MICROSOFT_ADDRESS' | 'EXTERNAL_ADDRESS' | 'DOMAIN';

/** The mapping with this sid in the caller's organization, else `null`. */
export function findMapping({ prisma }: Gateway, caller: Caller, sid: string): Promise<Mapping | null> {
  return prisma.mapping.findUnique({ where: { sid, organizationSid: caller.organizationSid } });
}

/** One page of the caller's mappings. Default order: creation. */
export function listMappings(
  { prisma }: Gateway,
  caller: Caller,
  filter: MappingFilter,
  order: Order<MappingOrderField> = { field: 'DATE_CREATED', direction: 'ASC' },
  page: PageArguments = {},
): Promise<Page<Mapping>> {
  const where = [
    { organizationSid: caller.organizationSid },
    filter.within ?? {},
    filter.enterpriseSid ? { enterpriseSid: filter.enterpriseSid } : {},
    containing('nameFolded', literal('name', filter.name)),
    containing('microsoftAddressFolded', literal('microsoftAddress', filter.microsoftAddress)),
    containing('externalAddress', literal('externalAddress', filter.externalAddress)),
    createdBetween(filter),
  ];
  return readPage(
    caller,
    {
      columns: {
        DATE_CREATED: 'dateCreated',
        NAME: 'nameFolded',
        MICROSOFT_ADDRESS: 'microsoftAddressFolded',
        EXTERNAL_ADDRESS: 'externalAddress',
        DOMAIN: 'microsoftDomain',
      },
      find: (range) => prisma.mapping.findMany(range),
      count: (matching) => prisma.mapping.count({ where: matching }),
    },
    where,
    order,
    page,
  );
}

/**
 * Maps a Teams user to a number and SMS-enables the number. A crash after the platform's part is repaired by the same request.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053),
 *   EXTERNAL_ADDRESS_NOT_UNIQUE (482), MICROSOFT_ADDRESS_INVALID (485); PlatformError (452)
 */
export function createMapping(gateway: Gateway, caller: Caller, input: CreateMappingInput): Promise<Mapping> {
  return idempotently(gateway, caller, 'createMapping', input, async (remember) => {
    const { name, microsoftAddress, externalAddress, enterpriseSid } = parseInput(createInput, input);
    await requireOpenEnterprise(gateway, caller, enterpriseSid);
    await refuseTakenNumber(gateway, externalAddress);
    const microsoftObjectId = await validateMicrosoftAddress(gateway, enterpriseSid, microsoftAddress);
    await gateway.restcomm.enableSms(externalAddress);
    const data = {
      sid: newSid('BE'),
      organizationSid: caller.organizationSid,
      accountSid: caller.accountSid,
      enterpriseSid,
      microsoftObjectId,
      ...named(name ?? microsoftAddress),
      ...microsoft(microsoftAddress),
      ...external(externalAddress),
    };
    return inTransaction(gateway.prisma, async (tx) => {
      await holdOpenEnterprise(tx, caller, enterpriseSid);
      const mapping = await tx.mapping.create({ data });
      await remember(tx, mapping);
      return mapping;
    }).catch(async (error) => {
      const refusal = uniqueness(error, externalAddress);
      if (refusal !== error) throw refusal;
      await releaseUnlessMapped(gateway, externalAddress);
      throw error;
    });
  });
}

/**
 * Changes a mapping. A blank name falls back to the Microsoft address (REST.md, Requests); one that was the address follows it.
 * @throws as createMapping, and NotFoundError MAPPING_NOT_FOUND (480)
 */
export function updateMapping(gateway: Gateway, caller: Caller, input: UpdateMappingInput): Promise<Mapping> {
  return idempotently(gateway, caller, 'updateMapping', input, async (remember) => {
    const { sid = '', name, ...change } = parseInput(updateInput, input);
    const mapping = await findMapping(gateway, caller, sid);
    if (!mapping) throw mappingNotFound(sid);
    const enterpriseSid = change.enterpriseSid ?? mapping.enterpriseSid;
    const microsoftAddress = change.microsoftAddress ?? mapping.microsoftAddress;
    const externalAddress = change.externalAddress ?? mapping.externalAddress;
    const moved = enterpriseSid !== mapping.enterpriseSid;
    if (moved) await requireOpenEnterprise(gateway, caller, enterpriseSid);
    const otherNumber = external(externalAddress).externalDigits !== mapping.externalDigits;
    if (otherNumber) await refuseTakenNumber(gateway, externalAddress);
    const otherUser = fold(microsoftAddress) !== mapping.microsoftAddressFolded;
    const microsoftObjectId =
      moved || otherUser ? await validateMicrosoftAddress(gateway, enterpriseSid, microsoftAddress) : mapping.microsoftObjectId;

    const given = typeof input.name === 'string' ? (name ?? microsoftAddress) : undefined;
    const kept = mapping.name === mapping.microsoftAddress ? microsoftAddress : mapping.name;
    const data = {
      enterpriseSid,
      microsoftObjectId,
      dateUpdated: new Date(),
      ...named(given ?? kept),
      ...microsoft(microsoftAddress),
      ...external(externalAddress),
    };
    if (otherNumber) await swapNumbers(gateway, mapping.externalAddress, externalAddress);
    return inTransaction(gateway.prisma, async (tx) => {
      await holdOpenEnterprise(tx, caller, enterpriseSid);
      const { count } = await tx.mapping.updateMany({ where: { sid, organizationSid: caller.organizationSid }, data });
      if (count === 0) throw mappingNotFound(sid);
      const updated = { ...mapping, ...data };
      await remember(tx, updated);
      return updated;
    }).catch(async (error) => {
      if (otherNumber) await swapNumbersBack(gateway, mapping.externalAddress, externalAddress);
      throw uniqueness(error, externalAddress);
    });
  });
}

/**
 * Deletes a mapping and takes its number's SMS back from the gateway. Its messages stay.
 * @returns the mapping as it was
 * @throws NotFoundError MAPPING_NOT_FOUND (480); PlatformError (452)
 */
export function deleteMapping(gateway: Gateway, caller: Caller, input: DeleteMappingInput): Promise<Mapping> {
  return idempotently(gateway, caller, 'deleteMapping', input, async (remember) => {
    const { sid = '' } = parseInput(deleteInput, input);
    const mapping = await findMapping(gateway, caller, sid);
    if (!mapping) throw mappingNotFound(sid);
    await removeMapping(gateway, mapping, remember);
    return mapping;
  });
}

/** Deletes every mapping of an enterprise, one after another. Where the platform refuses one, the rest stay. */
export async function deleteMappingsOf(gateway: Gateway, caller: Caller, enterpriseSid: string): Promise<void> {
  const mappings = await gateway.prisma.mapping.findMany({
    where: { enterpriseSid, organizationSid: caller.organizationSid },
    orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
  });
  for (const mapping of mappings) await removeMapping(gateway, mapping, async () => {}).catch(ignoreDeleted);
}

/** The platform first: while the row stands, nobody else can map the number. */
async function removeMapping(gateway: Gateway, mapping: Mapping, remember: Remember): Promise<void> {
  await gateway.restcomm.disableSms(mapping.externalAddress);
  await inTransaction(gateway.prisma, async (tx) => {
    const { count } = await tx.mapping.deleteMany({ where: { sid: mapping.sid, externalDigits: mapping.externalDigits } });
    if (count === 0) throw mappingNotFound(mapping.sid);
    await remember(tx, mapping);
  });
}

function ignoreDeleted(error: unknown): void {
  if (!(error instanceof DomainError && error.code === 'MAPPING_NOT_FOUND')) throw error;
}

const named = (name: string) => ({ name, nameFolded: fold(name) });
const external = (externalAddress: string) => ({ externalAddress, externalDigits: externalAddress.replace('+', '') });
const microsoft = (microsoftAddress: string) => ({
  microsoftAddress,
  microsoftAddressFolded: fold(microsoftAddress),
  microsoftDomain: domainOf(microsoftAddress),
});

/** A UPN, or an object id as Microsoft gives it. */
const isMicrosoftAddress = (address: string) =>
  /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(address) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(address);

/**
 * The form is always checked, and where the enterprise has a bot, that the user belongs to its tenant (teams-sms-api.txt, error 485).
 * @returns the user's object id, `null` while there is no bot to ask with
 */
async function validateMicrosoftAddress(gateway: Gateway, enterpriseSid: string, address: string): Promise<string | null> {
  const invalid = () =>
    new ConflictError('MICROSOFT_ADDRESS_INVALID', 'Microsoft Address is not Valid', { value: address, path: ['microsoftAddress'] });
  if (!isMicrosoftAddress(address)) throw invalid();
  const bot = await gateway.prisma.bot.findUnique({ where: { enterpriseSid } });
  if (!bot) return null;
  const user = await gateway.microsoft.findUser(credentialsOf(gateway, bot), address);
  if (!user) throw invalid();
  return user.objectId;
}

const numberNotUnique = (externalAddress: string) =>
  new ConflictError('EXTERNAL_ADDRESS_NOT_UNIQUE', 'externalAddress not unique', { value: externalAddress, path: ['externalAddress'] });

function uniqueness(error: unknown, externalAddress: string): unknown {
  return violatedConstraint(error) === undefined ? error : numberNotUnique(externalAddress);
}

const isMapped = async ({ prisma }: Gateway, externalAddress: string) =>
  (await prisma.mapping.count({ where: { externalDigits: external(externalAddress).externalDigits } })) > 0;

/** The one check that crosses organizations (REST.md, 482). It also keeps the platform from re-routing somebody's number. */
async function refuseTakenNumber(gateway: Gateway, externalAddress: string): Promise<void> {
  if (await isMapped(gateway, externalAddress)) throw numberNotUnique(externalAddress);
}

/** Takes back a number that was enabled for a mapping that did not come about, unless it is another's by now. */
async function releaseUnlessMapped(gateway: Gateway, externalAddress: string): Promise<void> {
  if (await isMapped(gateway, externalAddress)) return;
  await gateway.restcomm
    .disableSms(externalAddress)
    .catch((error) => gateway.log.warn({ err: error }, 'a number stays SMS-enabled without a mapping'));
}

async function swapNumbers(gateway: Gateway, from: string, to: string): Promise<void> {
  await gateway.restcomm.enableSms(to);
  try {
    await gateway.restcomm.disableSms(from);
  } catch (error) {
    await releaseUnlessMapped(gateway, to);
    throw error;
  }
}

async function swapNumbersBack(gateway: Gateway, from: string, to: string): Promise<void> {
  await gateway.restcomm.enableSms(from).catch((error) => gateway.log.warn({ err: error }, 'a mapped number is not SMS-enabled'));
  await releaseUnlessMapped(gateway, to);
}
