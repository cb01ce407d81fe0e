import { createHash } from 'node:crypto';
import { PlatformError } from '../domain/errors.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';

/**
 * Stands in for Microsoft where none is configured. It knows no tenants: every well-formed address is a user of every tenant, with an
 * object id made of the two, except addresses at `.invalid` domains. So that refusals can be seen, it refuses a bot whose applicationId,
 * tenantId or clientSecret reads `invalid`, as Microsoft's token endpoint does for wrong ones.
 */
export function createEmbeddedMicrosoft(): Microsoft {
  return {
    findUser: async (bot, address) => {
      refuseInvalid(bot);
      const name = address.toLowerCase();
      if (OBJECT_ID.test(name)) return { objectId: name, userPrincipalName: `${name.slice(0, 8)}@tenant.example` };
      if (!UPN.test(name) || name.endsWith('.invalid')) return undefined;
      return { objectId: objectIdOf(bot.tenantId, name), userPrincipalName: address };
    },
  };
}

const UPN = /^[^\s@]+@[^\s@]+$/;
const OBJECT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function refuseInvalid({ applicationId, tenantId, clientSecret }: BotCredentials): void {
  if (tenantId === 'invalid') throw new PlatformError(`AADSTS90002: Tenant '${tenantId}' not found.`);
  if (applicationId === 'invalid')
    throw new PlatformError(`AADSTS700016: Application with identifier '${applicationId}' was not found in the directory.`);
  if (clientSecret === 'invalid') throw new PlatformError('AADSTS7000215: Invalid client secret provided.');
}

/** In the form of a UUID version 8 (RFC 9562): its bits are ours to choose. */
function objectIdOf(tenantId: string, name: string): string {
  const hex = createHash('sha256').update(`${tenantId}\n${name}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
