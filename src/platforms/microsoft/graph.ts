import * as z from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { jsonFields, retryAfterMs } from '../request.ts';
import type { GraphRequests } from './graph-requests.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';
import { graphError } from './outcomes.ts';

interface MicrosoftGraph {
  readonly findUser: Microsoft['findUser'];
  readonly secretDates: Microsoft['secretDates'];
  /**
   * Checks that the application may read users.
   * @returns what there is to say of its other permissions
   * @throws PlatformError if it may not, or Graph does not respond
   */
  checkPermission(bot: BotCredentials): Promise<{ message?: string }>;
}

/** The application permissions that are of use, apart from `User.Read.All`, and what for. */
const FURTHER_PERMISSIONS: Readonly<Record<string, string>> = {
  'TeamsAppInstallation.ReadWriteSelfForUser.All': 'install its app for users',
  'AppCatalog.Read.All': 'find its app in the catalog',
  'GroupMember.Read.All': 'read the members of groups',
  'Application.Read.All': 'read when its secret ends',
};

const applications = z.object({
  passwordCredentials: z.array(z.object({ hint: z.string().nullish(), endDateTime: z.string().nullish() })),
});

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
      const { response, refusal, permissions } = await send(bot, 'v1.0/users?$top=1&$select=id');
      if (response.status !== 200) {
        const { code, message } = refusal();
        const cause = graphError(response.status, { code, message }, retryAfterMs(response));
        throw new PlatformError(message, { detail: `${response.status} ${code}`, cause });
      }
      const granted = permissions();
      const lacking = Object.entries(FURTHER_PERMISSIONS).filter(([name]) => granted && !granted.includes(name));
      const words = lacking.map(([name, use]) => `${name} (to ${use})`).join(', ');
      return words ? { message: `Not granted: ${words}.` } : {};
    },
    // https://learn.microsoft.com/graph/api/application-get
    secretDates: async (bot) => {
      const path = `v1.0/applications(appId='${encodeURIComponent(bot.applicationId)}')?$select=passwordCredentials`;
      const { response } = await send(bot, path);
      const found = applications.safeParse(jsonFields(response.text)).data?.passwordCredentials ?? [];
      return found.flatMap(({ hint, endDateTime }) => {
        const expires = new Date(endDateTime ?? '');
        return Number.isNaN(expires.getTime()) ? [] : [{ hint: hint ?? undefined, expires }];
      });
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
