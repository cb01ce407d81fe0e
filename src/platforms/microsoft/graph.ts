import * as z from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { CurableError } from '../delivery-error.ts';
import { jsonFields, retryAfterMs } from '../request.ts';
import type { Cloud } from './clouds.ts';
import type { GraphRequests } from './graph-requests.ts';
import type { BotCheck, BotCredentials, Microsoft } from './microsoft.ts';
import { graphError } from './outcomes.ts';
import { lackingPermissions, READS_USERS } from './permissions.ts';

interface MicrosoftGraph {
  readonly findUser: Microsoft['findUser'];
  readonly secretDates: Microsoft['secretDates'];
  /**
   * Checks that the application may read users, and install its app for them.
   * @param isFound whether the app's id in the catalog is known
   * @throws PlatformError if Graph refuses for another cause, or does not respond
   */
  checkPermissions(bot: BotCredentials, isFound: boolean): Promise<Partial<BotCheck>>;
}

const applications = z.object({
  passwordCredentials: z.array(z.object({ hint: z.string().nullish(), endDateTime: z.string().nullish() })),
});

const user = z.object({ id: z.string().min(1), accountEnabled: z.boolean().nullish() });

/** Creates a client of the users of Microsoft Graph, which an enterprise's own application accesses with the permission `User.Read.All`. */
export function createMicrosoftGraph({ send }: GraphRequests, cloud: Cloud): MicrosoftGraph {
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
    checkPermissions: async (bot, isFound) => {
      const { response, refusal, permissions } = await send(bot, 'v1.0/users?$top=1&$select=id');
      const granted = permissions();
      const { needed, words } = lackingPermissions(granted, cloud, isFound);
      if (response.status !== 200) {
        const { code, message } = refusal();
        const cause = graphError(response.status, { code, message }, retryAfterMs(response));
        if (cause instanceof CurableError && cause.reason === 'GRAPH_PERMISSION')
          return { passed: false, code, message, reason: cause.reason, permissions: [READS_USERS, ...needed] };
        throw new PlatformError(message, { detail: `${response.status} ${code}`, cause });
      }
      if (granted === undefined) return { isUnsaid: true };
      if (needed.length === 0) return words ? { message: words } : {};
      return { passed: false, code: 'PermissionsMissing', message: words, warning: 'INSTALL_PERMISSION', permissions: needed };
    },
    // https://learn.microsoft.com/graph/api/application-get
    secretDates: async (bot) => {
      const path = `v1.0/applications(appId='${encodeURIComponent(bot.applicationId)}')?$select=passwordCredentials`;
      const sent = await send(bot, path).catch((error) => {
        if (error instanceof PlatformError) return error;
        throw error;
      });
      if (sent instanceof PlatformError) return datesIn(sent.cause);
      const { response, refusal } = sent;
      if (response.status !== 200) return datesIn(graphError(response.status, refusal(), retryAfterMs(response)));
      const found = applications.safeParse(jsonFields(response.text)).data?.passwordCredentials ?? [];
      return found.flatMap(({ hint, endDateTime }) => {
        const expires = new Date(endDateTime ?? '');
        return Number.isNaN(expires.getTime()) ? [] : [{ hint: hint ?? undefined, expires }];
      });
    },
  };
}

/** What is known by a refusal: that nothing can be known, or nothing yet. */
const datesIn = (cause: unknown): [] | undefined => (cause instanceof CurableError ? [] : undefined);

/**
 * Builds a user's path. A UPN that begins with `$`, or consists of dots, needs the form of a function.
 * https://learn.microsoft.com/graph/api/user-get
 */
function userPath(address: string): string {
  return /^(\$|\.+$)/.test(address)
    ? `users('${encodeURIComponent(address.replaceAll("'", "''"))}')`
    : `users/${encodeURIComponent(address)}`;
}
