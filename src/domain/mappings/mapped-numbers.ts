import type { Mapping } from '../../../prisma/client/client.ts';
import { ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { comparedForm } from '../values/phone-numbers.ts';
import { smsWebhook } from './webhooks.ts';

// A mapped number and the routing of its SMS on the platform (docs/adr/0004).

/** The columns of a mapping's number: as it was given, and its one form, by which numbers are compared. */
export const numberColumns = (externalAddress: string) => ({ externalAddress, externalDigits: comparedForm(externalAddress) });

export const numberNotUnique = (externalAddress: string) =>
  new ConflictError('EXTERNAL_ADDRESS_NOT_UNIQUE', 'externalAddress not unique', { value: externalAddress, path: ['externalAddress'] });

const findMappingByNumber = ({ prisma }: Pick<Gateway, 'prisma'>, number: string) =>
  prisma.mapping.findFirst({ where: { externalDigits: numberColumns(number).externalDigits } });

/**
 * Refuses a number that any organization has mapped: the one check that crosses organizations (REST.md, 482). It comes before the platform is asked, which
 * would route the number away from its mapping.
 * @throws ConflictError EXTERNAL_ADDRESS_NOT_UNIQUE (482)
 */
export async function refuseTakenNumber(gateway: Gateway, externalAddress: string): Promise<void> {
  if (await findMappingByNumber(gateway, externalAddress)) throw numberNotUnique(externalAddress);
}

/** Finds which of some numbers any organization has mapped, by their one form. */
export async function findTakenNumbers({ prisma }: Pick<Gateway, 'prisma'>, numbers: readonly string[]): Promise<ReadonlySet<string>> {
  if (numbers.length === 0) return new Set();
  const found = await prisma.mapping.findMany({
    where: { externalDigits: { in: numbers.map((number) => numberColumns(number).externalDigits) } },
    select: { externalDigits: true },
  });
  return new Set(found.map(({ externalDigits }) => externalDigits));
}

/**
 * Makes the platform route a number's SMS as the database says: to the mapping that has the number, else nowhere. Called after a change on the platform
 * that did not become one in the database, perhaps because a concurrent one did. Never rejects, so that the caller can report the original error.
 */
export async function settleNumber(
  gateway: Pick<Gateway, 'prisma' | 'restcomm' | 'secrets' | 'publicUrl' | 'log'>,
  number: string,
): Promise<void> {
  const { restcomm, log } = gateway;
  let mapping: Mapping | null = null;
  try {
    mapping = await findMappingByNumber(gateway, number);
    await (mapping ? restcomm.enableSms(mapping.externalAddress, smsWebhook(gateway, mapping.sid)) : restcomm.disableSms(number));
  } catch (error) {
    log.warn({ err: error, mappingSid: mapping?.sid }, "cannot restore the routing of a number's SMS on the platform");
  }
}

/**
 * Disables SMS for a mapping's number on the platform, unless another mapping has it: two could have one number in two spellings once
 * (docs/adr/0017).
 * @throws PlatformError (452)
 */
export async function releaseNumber(gateway: Gateway, { sid, externalAddress }: Mapping): Promise<void> {
  const owner = await findMappingByNumber(gateway, externalAddress);
  if (!owner || owner.sid === sid) await gateway.restcomm.disableSms(externalAddress);
}

/**
 * Enables SMS for a mapping's new number and disables it for the old one, or neither.
 * @throws PlatformError (452)
 */
export async function swapNumbers(gateway: Gateway, mapping: Mapping, newNumber: string): Promise<void> {
  await gateway.restcomm.enableSms(newNumber, smsWebhook(gateway, mapping.sid));
  try {
    await releaseNumber(gateway, mapping);
  } catch (error) {
    await settleNumber(gateway, newNumber);
    throw error;
  }
}
