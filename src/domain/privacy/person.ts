import type * as z from 'zod';
import { invalidParameter, isBlankOrPhoneNumber, NOT_A_PHONE_NUMBER, optional } from '../input.ts';
import { phoneOf } from '../values/phones.ts';
import { fold } from '../values/text.ts';

/** Who is meant: a phone, or a Teams user by address, by object id or by both. Each in the form in which it is compared. */
export interface Person {
  readonly phoneFolded: string | null;
  readonly microsoftAddressFolded: string | null;
  readonly microsoftObjectId: string | null;
}

/** The fields of an input that say who is meant. */
export const personFields = {
  phoneNumber: optional().refine(isBlankOrPhoneNumber, NOT_A_PHONE_NUMBER),
  microsoftAddress: optional(),
  microsoftObjectId: optional(),
};
type PersonFields = { readonly [Field in keyof typeof personFields]: z.output<(typeof personFields)[Field]> };

/** @throws InvalidInputError INVALID_PARAMETER unless the input names either a phone or a Teams user */
export function personOf({ phoneNumber, microsoftAddress, microsoftObjectId }: PersonFields): Person {
  const isTeams = microsoftAddress !== undefined || microsoftObjectId !== undefined;
  if ((phoneNumber !== undefined) === isTeams) throw invalidParameter(['phoneNumber'], 'must be given, or a Teams user instead');
  return {
    phoneFolded: phoneNumber === undefined ? null : phoneOf(phoneNumber).compared,
    microsoftAddressFolded: microsoftAddress === undefined ? null : fold(microsoftAddress),
    microsoftObjectId: microsoftObjectId?.toLowerCase() ?? null,
  };
}

/** The texts by which a person's messages are found among their `from` and `to`. A mapping may have its user's object id for an address. */
export const addressesOf = ({ phoneFolded, microsoftAddressFolded, microsoftObjectId }: Person): string[] =>
  [phoneFolded, microsoftAddressFolded, microsoftObjectId].filter((address) => address !== null);
