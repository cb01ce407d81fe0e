import * as z from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { DeliveryError } from '../delivery-error.ts';
import { type Fetch, joinUrl, jsonFields, NoResponseError, type PlatformResponse, request, retryAfterMs } from '../request.ts';
import type { Limiter } from './limiter.ts';
import type { MicrosoftLogin } from './login.ts';
import type { BotCredentials, Microsoft } from './microsoft.ts';
import { graphError } from './outcomes.ts';
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
  limiter,
  graphUrl,
  fetch,
  timeoutMs,
}: {
  login: MicrosoftLogin;
  /** Receives how long Microsoft asks a bot to wait. */
  limiter: Pick<Limiter, 'holdBack'>;
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
        if (error instanceof DeliveryError) {
          limiter.holdBack(bot, error.retryAfterMs);
          throw new PlatformError(error.message, { detail: error.code, cause: error });
        }
        if (!(error instanceof NoResponseError)) throw error;
        const cause = new DeliveryError('retry', error.code, error.message, undefined, { cause: error });
        throw new PlatformError(error.message, { detail: error.code, cause });
      });
    limiter.holdBack(bot, response.status >= 400 ? retryAfterMs(response) : undefined);
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
        const cause = graphError(response.status, refusal, retryAfterMs(response));
        throw new PlatformError(refusal.message, { value: address, detail: `${response.status} ${refusal.code}`, cause });
      }
      const found = user.safeParse(jsonFields(response.text));
      if (!found.success) throw new PlatformError(`${response.host} responded with status 200 and no user.`, { value: address });
      if (found.data.accountEnabled === false) return undefined;
      return { objectId: found.data.id.toLowerCase() };
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
