import * as z from 'zod';
import type { PersonErasure } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { findEnterprise } from '../enterprises/enterprises.ts';
import { ConflictError, enterpriseNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { type Keyed, parseInput } from '../input.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { newSid, normalizeSid } from '../values/sid.ts';
import { type Person, personFields, personOf } from './person.ts';

const input = z.object({ ...personFields, enterpriseSid: z.string().nullish() });
type ErasePersonInput = z.input<typeof input> & Keyed;

/**
 * Requests that a person is erased: their messages, conversations and what else the gateway knows of them, in the caller's organization or one enterprise.
 * A job does it (erase-people.ts).
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND; ConflictError PERSON_HAS_MAPPINGS
 */
export async function erasePerson(gateway: Gateway, caller: Caller, given: ErasePersonInput): Promise<PersonErasure> {
  const { sid } = await idempotently(gateway, caller, 'erasePerson', given, async (remember) => {
    const { enterpriseSid, ...fields } = parseInput(input, given);
    const person = personOf(fields);
    // A blank sid is not found instead of absent: a client's mistake must not widen what is erased.
    if (typeof enterpriseSid === 'string' && !(await findEnterprise(gateway, caller, enterpriseSid)))
      throw enterpriseNotFound(enterpriseSid, ['enterpriseSid']);
    const of = typeof enterpriseSid === 'string' ? normalizeSid(enterpriseSid) : caller.enterpriseSid;
    return inTransaction(gateway.prisma, async (tx) => {
      await refuseMapped(tx, caller, of, person);
      const { organizationSid, accountSid } = caller;
      const created = { sid: newSid('ER') };
      await tx.personErasure.create({ data: { ...created, organizationSid, accountSid, enterpriseSid: of, ...person } });
      await remember(tx, created);
      return created;
    });
  });
  return gateway.prisma.personErasure.findUniqueOrThrow({ where: { sid, ...belonging(caller) } });
}

/** The condition on an erasure with this sid that the caller may see. */
export const erasureOf = (caller: Caller, sid: string) => ({ sid: normalizeSid(sid), ...belonging(caller) });

/** Finds an erasure in the caller's reach; `null` where there is none. */
export const findErasure = ({ prisma }: Gateway, caller: Caller, sid: string): Promise<PersonErasure | null> =>
  prisma.personErasure.findUnique({ where: { sid: normalizeSid(sid), ...belonging(caller) } });

/** @throws ConflictError PERSON_HAS_MAPPINGS: a mapping names its user as long as it exists, and its number gets new messages */
async function refuseMapped(tx: Transaction, caller: Caller, enterpriseSid: string | undefined, person: Person): Promise<void> {
  const { phoneFolded, microsoftAddressFolded, microsoftObjectId } = person;
  const OR = [
    ...(phoneFolded ? [{ externalDigits: phoneFolded }] : []),
    ...(microsoftAddressFolded ? [{ microsoftAddressFolded }] : []),
    ...(microsoftObjectId ? [{ microsoftObjectId }, { microsoftAddressFolded: microsoftObjectId }] : []),
  ];
  const mapped = await tx.mapping.findFirst({
    where: { ...belonging(caller), ...(enterpriseSid && { enterpriseSid }), OR },
    select: { sid: true },
  });
  if (!mapped) return;
  throw new ConflictError('PERSON_HAS_MAPPINGS', 'The person has a mapping; delete it first', { value: mapped.sid });
}
