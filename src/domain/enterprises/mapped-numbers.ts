import type { Mapping } from '../../../prisma/client/client.ts';
import { ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { smsWebhook } from './webhooks.ts';

// A mapped number and its SMS on the platform (docs/adr/0004).

/** The columns of a number: as it was given, and as it is compared. */
export const external = (externalAddress: string) => ({ externalAddress, externalDigits: externalAddress.replace('+', '') });

export const numberNotUnique = (externalAddress: string) =>
  new ConflictError('EXTERNAL_ADDRESS_NOT_UNIQUE', 'externalAddress not unique', { value: externalAddress, path: ['externalAddress'] });

const mappingWith = ({ prisma }: Pick<Gateway, 'prisma'>, number: string) =>
  prisma.mapping.findFirst({ where: { externalDigits: external(number).externalDigits } });

/** The one check that crosses organizations (REST.md, 482). It also keeps the platform from re-routing somebody's number. */
export async function refuseTakenNumber(gateway: Gateway, externalAddress: string): Promise<void> {
  if (await mappingWith(gateway, externalAddress)) throw numberNotUnique(externalAddress);
}

/**
 * Brings the platform to what is stored of a number: routed to the mapping that has it, else taken back. For whoever asked the platform for a
 * change that then did not come about, maybe because another's did. Never throws: what went wrong before is what the caller must hear.
 */
export async function settleNumber(
  gateway: Pick<Gateway, 'prisma' | 'restcomm' | 'secrets' | 'publicUrl' | 'log'>,
  number: string,
): Promise<void> {
  const { restcomm, log } = gateway;
  let mapping: Mapping | null = null;
  try {
    mapping = await mappingWith(gateway, number);
    await (mapping ? restcomm.enableSms(mapping.externalAddress, smsWebhook(gateway, mapping.sid)) : restcomm.disableSms(number));
  } catch (error) {
    log.warn({ err: error, mappingSid: mapping?.sid }, "a number's SMS on the platform is not as its mapping says");
  }
}

/** Enables a mapping's new number and takes the old one back, or neither. @throws PlatformError */
export async function swapNumbers(gateway: Gateway, { sid, externalAddress }: Mapping, to: string): Promise<void> {
  await gateway.restcomm.enableSms(to, smsWebhook(gateway, sid));
  try {
    await gateway.restcomm.disableSms(externalAddress);
  } catch (error) {
    await settleNumber(gateway, to);
    throw error;
  }
}
