import { decodeJwt } from 'jose';
import { PlatformError } from '../../domain/errors.ts';
import { DeliveryError } from '../delivery-error.ts';
import { type Fetch, joinUrl, NoResponseError, type PlatformResponse, request, retryAfterMs } from '../request.ts';
import type { Limiter } from './limiter.ts';
import type { MicrosoftLogin } from './login.ts';
import type { BotCredentials } from './microsoft.ts';
import { type MicrosoftRefusal, refusalOf } from './refusal.ts';

/** A response of Microsoft Graph. */
export interface GraphResponse {
  readonly response: PlatformResponse;
  /** Reads the response as a refusal, without the secrets of the request. */
  readonly refusal: () => MicrosoftRefusal;
  /** Reads the application permissions (roles) of the request's token; `undefined` if it is opaque, which Microsoft may make it. */
  readonly permissions: () => readonly string[] | undefined;
}

/** Sends requests to Microsoft Graph as the application of a bot. */
export interface GraphRequests {
  /** The address of Graph, e.g. `https://graph.microsoft.com`. */
  readonly graphUrl: string;
  /**
   * Sends a GET, or a POST of a JSON body.
   * @param path below the address of Graph, e.g. `v1.0/users`
   * @param more.headers further ones, in lower case
   * @throws PlatformError if login issues no token, or Graph does not respond; its `cause` is a DeliveryError
   */
  send(bot: BotCredentials, path: string, more?: { body?: unknown; headers?: Readonly<Record<string, string>> }): Promise<GraphResponse>;
}

interface GraphRequestsOptions {
  readonly login: MicrosoftLogin;
  /** Receives how long Graph asks a bot to wait. */
  readonly limiter: Pick<Limiter, 'holdBack'>;
  /** e.g. `https://graph.microsoft.com` */
  readonly graphUrl: string;
  readonly fetch: Fetch;
  /** For each request, in ms. */
  readonly timeoutMs: number;
}

/** Creates what all requests to Microsoft Graph pass. */
export function createGraphRequests({ login, limiter, graphUrl, fetch, timeoutMs }: GraphRequestsOptions): GraphRequests {
  const scope = graphScope(graphUrl);
  return {
    graphUrl,
    send: async (bot, path, { body, headers } = {}) => {
      let token = '';
      const response = await login
        .sendAuthorized(bot, scope, (given) => {
          token = given;
          return request(fetch, joinUrl(graphUrl, path), {
            method: body === undefined ? 'GET' : 'POST',
            body: body === undefined ? undefined : JSON.stringify(body),
            headers: {
              ...headers,
              authorization: `Bearer ${given}`,
              accept: 'application/json',
              ...(body !== undefined && { 'content-type': 'application/json' }),
            },
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
      return { response, refusal: () => refusalOf(response, [bot.clientSecret, token]), permissions: () => permissionsOf(token) };
    },
  };
}

function permissionsOf(token: string): string[] | undefined {
  try {
    const { roles = [] } = decodeJwt<{ roles?: unknown[] }>(token);
    return roles.map(String);
  } catch {
    return undefined;
  }
}

/** The scope of tokens for Graph at this URL. National clouds have their own. */
export const graphScope = (graphUrl: string): string => `${new URL(graphUrl).origin}/.default`;
