import * as z from 'zod';
import type { Mapping } from '../../../prisma/client/client.ts';
import { appendAudit } from '../audit.ts';
import { requestInstallation } from '../bots/teams-installations.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { differs } from '../enterprises/changes.ts';
import { holdOpenEnterprise, requireOpenEnterprise } from '../enterprises/enterprise-state.ts';
import { mappingNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently, type Remember } from '../idempotency.ts';
import { changed, changedOrEmptied, isBlankOrPhoneNumber, type Keyed, lookup, NOT_A_PHONE_NUMBER, parseInput } from '../input.ts';
import { inTransaction } from '../transaction.ts';
import { fold, MAX_EMAIL_LENGTH } from '../values/text.ts';
import { releaseLanes } from '../waiting.ts';
import { numberColumns, refuseTakenNumber, releaseNumber, settleNumber, swapNumbers } from './mapped-numbers.ts';
import { findMapping } from './mappings.ts';
import { addressColumns, asUniquenessError, botOf, nameColumns, validateMicrosoftAddress } from './new-mappings.ts';

const updateInput = z.object({
  sid: lookup(),
  name: changedOrEmptied(),
  microsoftAddress: changed(MAX_EMAIL_LENGTH),
  externalAddress: changed().refine(isBlankOrPhoneNumber, NOT_A_PHONE_NUMBER),
  enterpriseSid: changed(),
});
const deleteInput = z.object({ sid: lookup() });

type UpdateMappingInput = z.input<typeof updateInput> & Keyed;
type DeleteMappingInput = z.input<typeof deleteInput> & Keyed;

/**
 * Updates a mapping. A blank name becomes the Microsoft address; the contract sends none, since there a blank one is absent (REST.md, Requests).
 * @throws as createMapping (new-mappings.ts), and NotFoundError MAPPING_NOT_FOUND (480)
 */
export function updateMapping(gateway: Gateway, caller: Caller, input: UpdateMappingInput): Promise<Mapping> {
  return idempotently(gateway, caller, 'updateMapping', input, async (remember) => {
    const change = parseInput(updateInput, input);
    for (;;) {
      const mapping = await findMapping(gateway, caller, change.sid ?? '');
      if (!mapping) throw mappingNotFound(change.sid ?? '');
      const updated = await updateAsRead(gateway, caller, mapping, change, remember);
      if (updated) return updated;
    }
  });
}

/**
 * Updates a mapping if it is still as it was read.
 * @returns `undefined` where it was changed or deleted since: nothing was done
 */
async function updateAsRead(
  gateway: Gateway,
  caller: Caller,
  mapping: Mapping,
  change: z.output<typeof updateInput>,
  remember: Remember,
): Promise<Mapping | undefined> {
  const { data, isRenumbered, isChanged } = await columnsAfter(gateway, caller, mapping, change);
  const settle = async () => {
    if (isRenumbered) for (const number of [mapping.externalAddress, data.externalAddress]) await settleNumber(gateway, number);
  };
  if (isRenumbered) await swapNumbers(gateway, mapping, data.externalAddress);
  const updated = await inTransaction(gateway.prisma, async (tx) => {
    await holdOpenEnterprise(tx, caller, data.enterpriseSid);
    await releaseLanes(tx, { mappingSid: mapping.sid });
    const { count } = await tx.mapping.updateMany({ where: { organizationSid: caller.organizationSid, ...asRead(mapping) }, data });
    if (count === 0) return undefined;
    const row = { ...mapping, ...data };
    const { organizationSid, enterpriseSid, microsoftObjectId: objectId } = row;
    if (objectId !== null && (objectId !== mapping.microsoftObjectId || enterpriseSid !== mapping.enterpriseSid))
      await requestInstallation(tx, { organizationSid, enterpriseSid, objectId });
    await remember(tx, row, { changed: isChanged });
    return row;
  }).catch(async (error) => {
    await settle();
    throw asUniquenessError(error, data.externalAddress);
  });
  gateway.keptMappings.drop(mapping.sid);
  if (updated) gateway.hints.queued();
  else await settle();
  return updated;
}

/** The condition that a mapping still has the values that a change was decided by. */
const asRead = ({ sid, enterpriseSid, name, microsoftAddress, microsoftObjectId, externalAddress }: Mapping) => ({
  sid,
  enterpriseSid,
  name,
  microsoftAddress,
  microsoftObjectId,
  externalAddress,
});

/**
 * Validates an update and makes the columns that it changes.
 * @returns the columns, whether the mapping gets another number, and whether anything that is shown changes
 * @throws as updateMapping
 */
async function columnsAfter(gateway: Gateway, caller: Caller, mapping: Mapping, change: z.output<typeof updateInput>) {
  const enterpriseSid = change.enterpriseSid ?? mapping.enterpriseSid;
  const microsoftAddress = change.microsoftAddress ?? mapping.microsoftAddress;
  const { externalAddress = mapping.externalAddress } = change;
  const isMoved = enterpriseSid !== mapping.enterpriseSid;
  if (isMoved) await requireOpenEnterprise(gateway, caller, enterpriseSid);
  const isRenumbered = numberColumns(externalAddress).externalDigits !== numberColumns(mapping.externalAddress).externalDigits;
  if (isRenumbered) await refuseTakenNumber(gateway, externalAddress);
  const isOtherUser = fold(microsoftAddress) !== mapping.microsoftAddressFolded;
  const microsoftObjectId =
    isMoved || isOtherUser
      ? await validateMicrosoftAddress(gateway, await botOf(gateway, enterpriseSid), microsoftAddress)
      : mapping.microsoftObjectId;

  const shown = {
    enterpriseSid,
    ...nameColumns(change.name === undefined ? mapping.name : change.name || microsoftAddress),
    ...addressColumns(microsoftAddress),
    ...(externalAddress === mapping.externalAddress ? unchangedNumber(mapping) : numberColumns(externalAddress)),
  };
  const isChanged = differs(mapping, shown);
  const data = {
    ...shown,
    microsoftObjectId,
    ...(isRenumbered && { webhookKeyId: gateway.secrets.keyId }),
    ...(isChanged && { dateUpdated: new Date() }),
  };
  return { data, isRenumbered, isChanged };
}

/**
 * Deletes a mapping and disables its number's SMS on the platform. Its messages stay.
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

/**
 * Deletes every mapping of an enterprise, one after another. Where the platform refuses one, it and the rest stay.
 * @throws PlatformError (452)
 */
export async function deleteMappingsOf(gateway: Gateway, caller: Caller, enterpriseSid: string): Promise<void> {
  const mappings = await gateway.prisma.mapping.findMany({
    where: { enterpriseSid, ...belonging(caller) },
    orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
  });
  const record: Remember = (tx, { sid: targetSid }) => appendAudit(tx, caller, [{ action: 'mapping.delete', targetSid }]);
  for (const { sid } of mappings) await removeMapping(gateway, caller, sid, record);
}

/**
 * Removes a mapping, on the platform first: as long as its row exists, no other mapping can get the number.
 * @returns the mapping as it was; `undefined` where there is none
 * @throws PlatformError (452)
 */
async function removeMapping(gateway: Gateway, caller: Caller, sid: string, remember: Remember): Promise<Mapping | undefined> {
  for (;;) {
    const mapping = await findMapping(gateway, caller, sid);
    if (!mapping) return undefined;
    await releaseNumber(gateway, mapping);
    const removed = await inTransaction(gateway.prisma, async (tx) => {
      // Lanes before the mapping, as accepting messages locks them, against deadlocks.
      await releaseLanes(tx, { mappingSid: mapping.sid });
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
    gateway.keptMappings.drop(sid);
    if (removed) {
      gateway.hints.queued();
      return mapping;
    }
    // A concurrent request deleted the mapping, and the number may be in another one by now, or gave the mapping another number.
    await settleNumber(gateway, mapping.externalAddress);
  }
}

/** The stored digits are not always the number's form: two mappings could have one number once (docs/adr/0017). */
const unchangedNumber = ({ externalAddress, externalDigits }: Mapping) => ({ externalAddress, externalDigits });
