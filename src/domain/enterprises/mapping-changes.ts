import { z } from 'zod';
import type { Mapping } from '../../../prisma/client/client.ts';
import { appendAudit } from '../audit.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { violatedConstraint } from '../constraints.ts';
import { ConflictError, mappingNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently, type Remember } from '../idempotency.ts';
import { changed, changedOrEmptied, lookup, mandatory, optional, parseInput } from '../input.ts';
import { newSid } from '../sid.ts';
import { domainOf, fold } from '../text.ts';
import { inTransaction } from '../transaction.ts';
import { credentialsOf } from './bots.ts';
import { holdOpenEnterprise, requireOpenEnterprise } from './enterprise-state.ts';
import { external, numberNotUnique, refuseTakenNumber, settleNumber, swapNumbers } from './mapped-numbers.ts';
import { findMapping } from './mappings.ts';
import { smsWebhook } from './webhooks.ts';

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
  name: changedOrEmptied(),
  microsoftAddress: changed(320),
  externalAddress: changed().refine(isNumber, NOT_A_NUMBER),
  enterpriseSid: changed(),
});
const deleteInput = z.object({ sid: lookup() });

type Keyed = { idempotencyKey?: string | null };
export type CreateMappingInput = z.input<typeof createInput> & Keyed;
export type UpdateMappingInput = z.input<typeof updateInput> & Keyed;
export type DeleteMappingInput = z.input<typeof deleteInput> & Keyed;

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
    const sid = newSid('BE');
    await gateway.restcomm.enableSms(externalAddress, smsWebhook(gateway, sid));
    const data = {
      sid,
      organizationSid: caller.organizationSid,
      accountSid: caller.accountSid,
      enterpriseSid,
      microsoftObjectId,
      webhookKeyId: gateway.secrets.keyId,
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
      await settleNumber(gateway, externalAddress);
      throw uniqueness(error, externalAddress);
    });
  });
}

/**
 * Changes a mapping. A blank name falls back to the Microsoft address (REST.md, Requests); one that was the address follows it.
 * @throws as createMapping, and NotFoundError MAPPING_NOT_FOUND (480)
 */
export function updateMapping(gateway: Gateway, caller: Caller, input: UpdateMappingInput): Promise<Mapping> {
  return idempotently(gateway, caller, 'updateMapping', input, async (remember) => {
    const change = parseInput(updateInput, input);
    for (;;) {
      const mapping = await findMapping(gateway, caller, change.sid ?? '');
      if (!mapping) throw mappingNotFound(change.sid ?? '');
      const updated = await changeAsRead(gateway, caller, mapping, change, remember);
      if (updated) return updated;
    }
  });
}

/** One attempt of updateMapping. `undefined` where the mapping was changed or deleted since it was read: nothing was done. */
async function changeAsRead(
  gateway: Gateway,
  caller: Caller,
  mapping: Mapping,
  change: z.output<typeof updateInput>,
  remember: Remember,
): Promise<Mapping | undefined> {
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

  const kept = mapping.name === mapping.microsoftAddress ? microsoftAddress : mapping.name;
  const data = {
    enterpriseSid,
    microsoftObjectId,
    dateUpdated: new Date(),
    ...(otherNumber ? { webhookKeyId: gateway.secrets.keyId } : {}),
    ...named(change.name === undefined ? kept : change.name || microsoftAddress),
    ...microsoft(microsoftAddress),
    ...external(externalAddress),
  };
  const asRead = {
    sid: mapping.sid,
    organizationSid: caller.organizationSid,
    enterpriseSid: mapping.enterpriseSid,
    name: mapping.name,
    microsoftAddress: mapping.microsoftAddress,
    microsoftObjectId: mapping.microsoftObjectId,
    externalAddress: mapping.externalAddress,
  };
  const settle = async () => {
    if (otherNumber) for (const number of [mapping.externalAddress, externalAddress]) await settleNumber(gateway, number);
  };
  if (otherNumber) await swapNumbers(gateway, mapping, externalAddress);
  const updated = await inTransaction(gateway.prisma, async (tx) => {
    await holdOpenEnterprise(tx, caller, enterpriseSid);
    const { count } = await tx.mapping.updateMany({ where: asRead, data });
    if (count === 0) return undefined;
    const row = { ...mapping, ...data };
    await remember(tx, row);
    return row;
  }).catch(async (error) => {
    await settle();
    throw uniqueness(error, externalAddress);
  });
  if (!updated) await settle();
  return updated;
}

/**
 * Deletes a mapping and takes its number's SMS back from the gateway. Its messages stay.
 * @returns the mapping as it was
 * @throws NotFoundError MAPPING_NOT_FOUND (480); PlatformError (452)
 */
export function deleteMapping(gateway: Gateway, caller: Caller, input: DeleteMappingInput): Promise<Mapping> {
  return idempotently(gateway, caller, 'deleteMapping', input, async (remember) => {
    const { sid = '' } = parseInput(deleteInput, input);
    const removed = await removeMapping(gateway, caller, sid, remember);
    if (!removed) throw mappingNotFound(sid);
    return removed;
  });
}

/** Deletes every mapping of an enterprise, one after another. Where the platform refuses one, the rest stay. */
export async function deleteMappingsOf(gateway: Gateway, caller: Caller, enterpriseSid: string): Promise<void> {
  const mappings = await gateway.prisma.mapping.findMany({
    where: { enterpriseSid, ...belonging(caller) },
    orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
  });
  const record: Remember = (tx, { sid: targetSid }) => appendAudit(tx, caller, [{ action: 'mapping.delete', targetSid }]);
  for (const { sid } of mappings) await removeMapping(gateway, caller, sid, record);
}

/**
 * The platform first: while the row stands, nobody else can map the number.
 * @returns the mapping as it was, `undefined` where there is none (any more)
 */
async function removeMapping(gateway: Gateway, caller: Caller, sid: string, remember: Remember): Promise<Mapping | undefined> {
  for (;;) {
    const mapping = await findMapping(gateway, caller, sid);
    if (!mapping) return undefined;
    await gateway.restcomm.disableSms(mapping.externalAddress);
    const removed = await inTransaction(gateway.prisma, async (tx) => {
      const { count } = await tx.mapping.deleteMany({ where: { sid: mapping.sid, externalDigits: mapping.externalDigits } });
      if (count === 0) return false;
      const { organizationSid, enterpriseSid, accountSid, externalAddress, microsoftAddress } = mapping;
      await tx.releasedMapping.create({ data: { sid, organizationSid, enterpriseSid, accountSid, externalAddress, microsoftAddress } });
      await remember(tx, mapping);
      return true;
    }).catch(async (error) => {
      await settleNumber(gateway, mapping.externalAddress);
      throw error;
    });
    if (removed) return mapping;
    // Somebody else deleted it, and the number may be another's by now, or gave it another number.
    await settleNumber(gateway, mapping.externalAddress);
  }
}

const named = (name: string) => ({ name, nameFolded: fold(name) });
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

function uniqueness(error: unknown, externalAddress: string): unknown {
  return violatedConstraint(error) === undefined ? error : numberNotUnique(externalAddress);
}
