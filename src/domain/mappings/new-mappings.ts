import * as z from 'zod';
import type { Bot, Mapping } from '../../../prisma/client/client.ts';
import { appendAudit } from '../audit.ts';
import { credentialsOf } from '../bots/bots.ts';
import { requestInstallations } from '../bots/teams-installations.ts';
import type { Caller } from '../caller.ts';
import { violatedConstraint } from '../constraints.ts';
import { holdOpenEnterprise, requireOpenEnterprise } from '../enterprises/enterprise-state.ts';
import { ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { isBlankOrPhoneNumber, type Keyed, mandatory, NOT_A_PHONE_NUMBER, optional, parseInput } from '../input.ts';
import { logPrivateCause } from '../private-causes.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { newSid } from '../values/sid.ts';
import { domainOf, fold, isUserPrincipalName, MAX_EMAIL_LENGTH } from '../values/text.ts';
import { findTakenNumbers, numberColumns, numberNotUnique, settleNumber } from './mapped-numbers.ts';
import { smsWebhook } from './webhooks.ts';

const input = z.object({
  name: optional(),
  microsoftAddress: mandatory(MAX_EMAIL_LENGTH),
  externalAddress: mandatory().refine(isBlankOrPhoneNumber, NOT_A_PHONE_NUMBER),
  enterpriseSid: mandatory(),
});
type NewMappingInput = z.input<typeof input>;
/** The validated values, and the user's object id, if the enterprise has a bot. */
type NewMapping = z.output<typeof input> & { readonly microsoftObjectId: string | null };

/** Runs what asks a platform, e.g. when its turn comes. */
type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * Maps a Teams user to a number and enables the number's SMS on the platform. Where the gateway crashes after the platform's part, repeating the request
 * completes it.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053),
 *   EXTERNAL_ADDRESS_NOT_UNIQUE (482), MICROSOFT_ADDRESS_INVALID (485); PlatformError (452)
 */
export function createMapping(gateway: Gateway, caller: Caller, given: NewMappingInput & Keyed): Promise<Mapping> {
  return idempotently(gateway, caller, 'createMapping', given, async (remember) => {
    const [checked] = (await checkNewMappings(gateway, caller, [given])) as [PromiseSettledResult<NewMapping>];
    if (checked.status === 'rejected') throw checked.reason;
    const data = columnsOf(gateway, caller, checked.value);
    await gateway.restcomm.enableSms(data.externalAddress, smsWebhook(gateway, data.sid));
    return inTransaction(gateway.prisma, async (tx) => {
      await holdOpenEnterprise(tx, caller, data.enterpriseSid);
      const mapping = await tx.mapping.create({ data });
      await requestInstallations(tx, usersOf([data]));
      await remember(tx, mapping);
      return mapping;
    })
      .catch(async (error) => {
        await settleNumber(gateway, data.externalAddress);
        throw asUniquenessError(error, data.externalAddress);
      })
      .finally(() => gateway.hints.installable?.());
  });
}

/**
 * Creates mappings of one enterprise as createMapping does for one, but with few statements for all: those that are valid and that the platform accepts,
 * in one transaction.
 * @param record called in it, with the sids by the place of their input
 * @returns the sid of each, or the error for which it was not created, as of createMapping
 * @throws what made the transaction fail, e.g. one of the numbers was mapped meanwhile: none was created
 */
export async function createMappings(
  gateway: Gateway,
  caller: Caller,
  given: readonly NewMappingInput[],
  { inTurn, record }: { readonly inTurn: InTurn; readonly record: (tx: Transaction, sids: ReadonlyMap<number, string>) => Promise<void> },
): Promise<PromiseSettledResult<string>[]> {
  const checked = await checkNewMappings(gateway, caller, given, inTurn);
  const routed = await Promise.allSettled(
    checked.map(async (one) => {
      if (one.status === 'rejected') throw one.reason;
      const data = columnsOf(gateway, caller, one.value);
      await inTurn(() => gateway.restcomm.enableSms(data.externalAddress, smsWebhook(gateway, data.sid)));
      return data;
    }),
  );
  for (const one of routed) if (one.status === 'rejected') logPrivateCause(gateway.log, caller, one.reason);
  const rows = routed.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const [first] = rows;
  if (first) {
    const sids = new Map(routed.flatMap((one, at) => (one.status === 'fulfilled' ? [[at, one.value.sid]] : [])));
    await inTransaction(gateway.prisma, async (tx) => {
      await holdOpenEnterprise(tx, caller, first.enterpriseSid);
      await tx.mapping.createMany({ data: rows });
      await requestInstallations(tx, usersOf(rows));
      await appendAudit(
        tx,
        caller,
        rows.map(({ sid }) => ({ action: 'mapping.create', targetSid: sid })),
      );
      await record(tx, sids);
    }).catch(async (error) => {
      for (const { externalAddress } of rows) await settleNumber(gateway, externalAddress);
      throw error;
    });
    gateway.hints.installable?.();
  }
  return routed.map((one) => (one.status === 'fulfilled' ? { status: 'fulfilled', value: one.value.sid } : one));
}

/**
 * Checks whether mappings can be created, and changes nothing.
 * @param inTurn runs what asks Microsoft
 * @returns the values of each, or the error, as of createMapping
 */
export async function checkNewMappings(
  gateway: Gateway,
  caller: Caller,
  given: readonly NewMappingInput[],
  inTurn: InTurn = (work) => work(),
): Promise<PromiseSettledResult<NewMapping>[]> {
  const parsed = await Promise.allSettled(given.map(async (one) => parseInput(input, one)));
  const valid = parsed.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const enterprises = new Map<string, PromiseSettledResult<void>>();
  for (const { enterpriseSid } of valid) {
    if (enterprises.has(enterpriseSid)) continue;
    const [state] = await Promise.allSettled([requireOpenEnterprise(gateway, caller, enterpriseSid)]);
    enterprises.set(enterpriseSid, state);
  }
  const open = valid.filter(({ enterpriseSid }) => enterprises.get(enterpriseSid)?.status === 'fulfilled');
  const taken = await findTakenNumbers(
    gateway,
    open.map(({ externalAddress }) => externalAddress),
  );
  const bots = new Map<string, Bot | null>();
  for (const { enterpriseSid } of open) if (!bots.has(enterpriseSid)) bots.set(enterpriseSid, await botOf(gateway, enterpriseSid));
  return Promise.allSettled(
    parsed.map(async (one) => {
      if (one.status === 'rejected') throw one.reason;
      const { externalAddress, enterpriseSid, microsoftAddress } = one.value;
      const state = enterprises.get(enterpriseSid);
      if (state?.status === 'rejected') throw state.reason;
      if (taken.has(numberColumns(externalAddress).externalDigits)) throw numberNotUnique(externalAddress);
      const bot = bots.get(enterpriseSid) ?? null;
      return { ...one.value, microsoftObjectId: await inTurn(() => validateMicrosoftAddress(gateway, bot, microsoftAddress)) };
    }),
  );
}

const columnsOf = (
  { secrets }: Gateway,
  { organizationSid, accountSid }: Caller,
  { name, microsoftAddress, externalAddress, enterpriseSid, microsoftObjectId }: NewMapping,
) => ({
  ...{ sid: newSid('BE'), organizationSid, accountSid, enterpriseSid, microsoftObjectId, webhookKeyId: secrets.keyId },
  ...nameColumns(name ?? microsoftAddress),
  ...addressColumns(microsoftAddress),
  ...numberColumns(externalAddress),
});

/** Those whose Microsoft Entra object ids are known. */
const usersOf = (rows: readonly ReturnType<typeof columnsOf>[]) =>
  rows.flatMap(({ organizationSid, enterpriseSid, microsoftObjectId: objectId }) =>
    objectId === null ? [] : [{ organizationSid, enterpriseSid, objectId }],
  );

/** The columns of a mapping's name. */
export const nameColumns = (name: string) => ({ name, nameFolded: fold(name) });
/** The columns of a mapping's Microsoft address. */
export const addressColumns = (microsoftAddress: string) => ({
  microsoftAddress,
  microsoftAddressFolded: fold(microsoftAddress),
  microsoftDomain: domainOf(microsoftAddress),
});

/** Finds an enterprise's bot; `null` where there is none. */
export const botOf = ({ prisma }: Pick<Gateway, 'prisma'>, enterpriseSid: string) => prisma.bot.findUnique({ where: { enterpriseSid } });

/** Whether the text has the form of a user principal name, or of an object id (a UUID). */
const isMicrosoftAddress = (address: string) =>
  isUserPrincipalName(address) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(address);

/**
 * Checks a Microsoft address: its form, and where the enterprise has a bot, that the user belongs to its tenant (teams-sms-api.txt, error 485).
 * @param bot of the enterprise
 * @returns the user's object id; `null` where the enterprise has no bot
 * @throws ConflictError MICROSOFT_ADDRESS_INVALID (485); PlatformError (452)
 */
export async function validateMicrosoftAddress(gateway: Gateway, bot: Bot | null, address: string): Promise<string | null> {
  const invalid = () =>
    new ConflictError('MICROSOFT_ADDRESS_INVALID', 'Microsoft Address is not Valid', { value: address, path: ['microsoftAddress'] });
  if (!isMicrosoftAddress(address)) throw invalid();
  if (!bot) return null;
  const user = await gateway.microsoft.findUser(credentialsOf(gateway, bot), address);
  if (!user) throw invalid();
  return user.objectId;
}

/** EXTERNAL_ADDRESS_NOT_UNIQUE (482) for a violated unique index, else the error itself. */
export function asUniquenessError(error: unknown, externalAddress: string): unknown {
  return violatedConstraint(error) === undefined ? error : numberNotUnique(externalAddress);
}
