import * as z from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { jsonFields, retryAfterMs } from '../request.ts';
import type { GraphRequests } from './graph-requests.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';
import { graphError } from './outcomes.ts';

interface MicrosoftGraph {
  readonly findUser: Microsoft['findUser'];
  /**
   * Checks that the application may read users.
   * @throws PlatformError if it may not, or Graph does not respond
   */
  checkPermission(bot: BotCredentials): Promise<void>;
}

const user = z.object({ id: z.string().min(1), accountEnabled: z.boolean().nullish() });

/** Creates a client of the users of Microsoft Graph, which an enterprise's own application accesses with the permission `User.Read.All`. */
export function createMicrosoftGraph({ send }: GraphRequests): MicrosoftGraph {
  return {
    findUser: async (bot, address) => {
      const { response, refusal: read } = await send(bot, `v1.0/${userPath(address)}?$select=id,accountEnabled`);
      if (response.status !== 200) {
        const refusal = read();
        if (response.status === 404 && refusal.code === 'Request_ResourceNotFound') return undefined;
        const cause = graphError(response.status, refusal, retryAfterMs(response));
        throw new PlatformError(refusal.message, { value: address, detail: `${response.status} ${refusal.code}`, cause });
      }
      const found = user.safeParse(jsonFields(response.text));
      if (!found.success) throw new PlatformError(`${response.host} responded with status 200 and no user.`, { value: address });
      if (found.data.accountEnabled === false) return undefined;
      return { objectId: found.data.id.toLowerCase() };
    },
    checkPermission: async (bot) => {
      const { response, refusal } = await send(bot, 'v1.0/users?$top=1&$select=id');
      if (response.status === 200) return;
      const { code, message } = refusal();
      throw new PlatformError(message, { detail: `${response.status} ${code}` });
    },
  };
}

/**
 * Builds a user's path. A UPN that begins with `$`, or consists of dots, needs the form of a function.
 * https://learn.microsoft.com/graph/api/user-get
 */
function userPath(address: string): string {
  return /^(\$|\.+$)/.test(address)
    ? `users('${encodeURIComponent(address.replaceAll("'", "''"))}')`
    : `users/${encodeURIComponent(address)}`;
}
