import { z } from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { type Fetch, joinUrl, jsonFields, NoResponseError, type PlatformResponse, request } from '../request.ts';
import { LoginError, type MicrosoftLogin } from './login.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';
import { refusalOf } from './refusal.ts';

interface MicrosoftGraph {
  readonly findUser: Microsoft['findUser'];
  /**
   * Checks that the application may read users.
   * @throws PlatformError if it may not, or Graph does not respond
   */
  checkPermission(bot: BotCredentials): Promise<void>;
}

const user = z.object({ id: z.string().min(1), accountEnabled: z.boolean().nullish() });

/**
 * Creates a client of Microsoft Graph, which an enterprise's own application accesses with the permission `User.Read.All`.
 * @param options.graphUrl e.g. `https://graph.microsoft.com`
 * @param options.timeoutMs for each request, in ms
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

  async function get(bot: BotCredentials, path: string): Promise<{ response: PlatformResponse; token: string }> {
    let token = '';
    const response = await login
      .sendAuthorized(bot, scope, (given) => {
        token = given;
        return request(fetch, joinUrl(graphUrl, path), {
          headers: { authorization: `Bearer ${given}`, accept: 'application/json' },
          timeoutMs,
        });
      })
      .catch((error) => {
        throw error instanceof LoginError || error instanceof NoResponseError
          ? new PlatformError(error.message, { detail: error.code, cause: error })
          : error;
      });
    // A token has the permissions from when it was issued; one granted since appears in the next token.
    if (response.status === 403) login.forget(bot, scope, token);
    return { response, token };
  }

  return {
    findUser: async (bot, address) => {
      const { response, token } = await get(bot, `v1.0/${userPath(address)}?$select=id,accountEnabled`);
      if (response.status !== 200) {
        const refusal = refusalOf(response, [bot.clientSecret, token]);
        if (response.status === 404 && refusal.code === 'Request_ResourceNotFound') return undefined;
        throw new PlatformError(refusal.message, { value: address, detail: `${response.status} ${refusal.code}` });
      }
      const found = user.safeParse(jsonFields(response.text));
      if (!found.success) throw new PlatformError(`${response.host} responded with status 200 and no user.`, { value: address });
      if (found.data.accountEnabled === false) return undefined;
      return { objectId: found.data.id };
    },
    checkPermission: async (bot) => {
      const { response, token } = await get(bot, 'v1.0/users?$top=1&$select=id');
      if (response.status === 200) return;
      const { code, message } = refusalOf(response, [bot.clientSecret, token]);
      throw new PlatformError(message, { detail: `${response.status} ${code}` });
    },
  };
}

/** The scope of tokens for Graph at this URL. National clouds have their own. */
export const graphScope = (graphUrl: string): string => `${new URL(graphUrl).origin}/.default`;

/**
 * Builds a user's path. A UPN that begins with `$`, or consists of dots, needs the form of a function.
 * https://learn.microsoft.com/graph/api/user-get
 */
function userPath(address: string): string {
  return /^(\$|\.+$)/.test(address)
    ? `users('${encodeURIComponent(address.replaceAll("'", "''"))}')`
    : `users/${encodeURIComponent(address)}`;
}
