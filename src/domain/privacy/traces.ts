import type { Prisma } from '../../../prisma/client/client.ts';
import { addressesOf, type Person } from './person.ts';

/** Conditions that lead to a person outside messages, conversations and live mappings. */
interface Traces {
  /** What the bot remembers of the user, or of others who exchanged messages with the phone last. */
  readonly teamsConversation: Prisma.TeamsConversationWhereInput;
  readonly teamsInstallation: Prisma.TeamsInstallationWhereInput;
  /** Texts of the user, or for the phone. */
  readonly heldText: Prisma.HeldTextWhereInput;
  readonly releasedMapping: Prisma.ReleasedMappingWhereInput;
  readonly mappingImportRow: Prisma.MappingImportRowWhereInput;
  /** Admins whom the user is linked with. */
  readonly enterpriseAdmin: Prisma.EnterpriseAdminWhereInput;
}

/** The condition on an object id that no row meets. (An empty OR does not reach Prisma's statement.) */
const NOBODY = { objectId: { in: [] } };

/** Where the gateway may have a person, by the number or by the address and the object id. */
export function tracesOf({ phoneFolded, microsoftAddressFolded, microsoftObjectId }: Person): Traces {
  if (phoneFolded !== null) {
    const written = [phoneFolded, `+${phoneFolded}`];
    return {
      teamsConversation: { lastNumber: { in: written } },
      teamsInstallation: NOBODY,
      heldText: { OR: [{ sentTo: { in: written } }, ...written.map((number) => ({ choices: { array_contains: [{ number }] } }))] },
      releasedMapping: { externalAddress: { in: written } },
      mappingImportRow: { externalDigits: phoneFolded },
      enterpriseAdmin: { microsoftObjectId: { in: [] } },
    };
  }
  const byId = microsoftObjectId === null ? NOBODY : { objectId: microsoftObjectId };
  // Prisma escapes nothing in what it hands to ILIKE.
  const addresses = addressesOf({ phoneFolded, microsoftAddressFolded, microsoftObjectId });
  const byAddress = {
    OR: addresses.map((address) => ({
      microsoftAddress: { equals: address.replaceAll(/[\\%_]/g, '\\$&'), mode: 'insensitive' as const },
    })),
  };
  return {
    ...{ teamsConversation: byId, teamsInstallation: byId, heldText: byId, releasedMapping: byAddress, mappingImportRow: byAddress },
    enterpriseAdmin: { microsoftObjectId: { in: microsoftObjectId === null ? [] : [microsoftObjectId] } },
  };
}
