import { z } from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { type Answer, type Fetch, jsonFields, NoAnswerError, request, under } from '../request.ts';
import { LoginError, type MicrosoftLogin } from './login.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';
import { refusalOf } from './refusal.ts';

export interface MicrosoftGraph {
  readonly findUser: Microsoft['findUser'];
  /** Reads one user's id, as `findUser` will need to. @throws PlatformError */
  checkPermission(bot: BotCredentials): Promise<void>;
}

const user = z.object({ id: z.string().min(1), userPrincipalName: z.string().min(1), accountEnabled: z.boolean().nullish() });

/**
 * Microsoft Graph as an enterprise's own application, which needs `User.Read.All`.
 *
 * @param options.graphUrl e.g. `https://graph.microsoft.com`
 */
export function createMicrosoftGraph({
  login,
  graphUrl,
  fetch,
  timeoutMs,
}: {
  login: MicrosoftLogin;
  graphUrl: string;
  fetch: Fetch;
  timeoutMs: number;
}): MicrosoftGraph {
  const scope = graphScope(graphUrl);

  async function get(bot: BotCredentials, path: string): Promise<{ answer: Answer; token: string }> {
    let token = '';
    const answer = await login
      .authorized(bot, scope, (given) => {
        token = given;
        return request(fetch, under(graphUrl, path), {
          headers: { authorization: `Bearer ${given}`, accept: 'application/json' },
          timeoutMs,
        });
      })
      .catch((error) => {
        throw error instanceof LoginError || error instanceof NoAnswerError
          ? new PlatformError(error.message, { detail: error.code, cause: error })
          : error;
      });
    // A token holds the permissions of the moment it was made: one that is granted now shows in the next.
    if (answer.status === 403) login.forget(bot, scope, token);
    return { answer, token };
  }

  return {
    findUser: async (bot, address) => {
      const { answer, token } = await get(bot, `v1.0/${userPath(address)}?$select=id,userPrincipalName,accountEnabled`);
      if (answer.status !== 200) {
        const refusal = refusalOf(answer, [bot.clientSecret, token]);
        if (answer.status === 404 && refusal.code === 'Request_ResourceNotFound') return undefined;
        throw new PlatformError(refusal.message, { value: address, detail: `${answer.status} ${refusal.code}` });
      }
      const found = user.safeParse(jsonFields(answer.text));
      if (!found.success) throw new PlatformError(`${answer.host} answered 200 without a user.`, { value: address });
      if (found.data.accountEnabled === false) return undefined;
      return { objectId: found.data.id, userPrincipalName: found.data.userPrincipalName };
    },
    checkPermission: async (bot) => {
      const { answer, token } = await get(bot, 'v1.0/users?$top=1&$select=id');
      if (answer.status === 200) return;
      const { code, message } = refusalOf(answer, [bot.clientSecret, token]);
      throw new PlatformError(message, { detail: `${answer.status} ${code}` });
    },
  };
}

/** The scope of a Graph at this address; national clouds have their own. */
export const graphScope = (graphUrl: string): string => `${new URL(graphUrl).origin}/.default`;

/** A UPN that begins with `$`, or that would be taken for a step in the path, needs the form of a function (Graph's reference, "Get a user"). */
function userPath(address: string): string {
  return /^(\$|\.+$)/.test(address)
    ? `users('${encodeURIComponent(address.replaceAll("'", "''"))}')`
    : `users/${encodeURIComponent(address)}`;
}
