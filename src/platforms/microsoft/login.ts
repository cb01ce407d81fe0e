import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { DeliveryError } from '../delivery-error.ts';
import { type Fetch, joinUrl, jsonFields, NoResponseError, type PlatformResponse, request, retryAfterMs } from '../request.ts';
import type { BotCredentials } from './microsoft.ts';
import { loginError } from './outcomes.ts';
import { refusalOf } from './refusal.ts';

export interface MicrosoftLogin {
  /**
   * Gets an access token of the bot's application, cached or new.
   * @param scope e.g. `https://graph.microsoft.com/.default`
   * @throws CurableError if login refuses the application, tenant or secret; DeliveryError `retry` if it does not respond, or is unavailable
   */
  token(bot: BotCredentials, scope: string): Promise<string>;
  /**
   * Removes a token from the cache.
   * @param token if given, only this one: another caller may have replaced it
   */
  forget(bot: BotCredentials, scope: string, token?: string): void;
  /**
   * Sends a request with a token, and once more with a new one if the response is a 401.
   * @throws what `token` and `send` throw
   */
  sendAuthorized(bot: BotCredentials, scope: string, send: (token: string) => Promise<PlatformResponse>): Promise<PlatformResponse>;
}

interface CachedToken {
  readonly token: Promise<string>;
  /** Absent until login has responded. */
  value?: string;
  /** In ms since the epoch; infinite until login has responded. */
  usableUntil: number;
}

/** A token is renewed this long before it expires, or after half of its lifetime if that is shorter. */
const RENEWAL_MARGIN_MS = 5 * 60_000;
/** How many tokens are cached: two for each of several thousand bots. */
const MAX_TOKENS = 10_000;

const tokenResponse = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });

interface MicrosoftLoginOptions {
  /** e.g. `https://login.microsoftonline.com` */
  readonly loginUrl: string;
  readonly fetch: Fetch;
  /** For each request, in ms. */
  readonly timeoutMs: number;
  /** The current time, in ms; for tests. */
  readonly now?: () => number;
}

/**
 * Creates a client of Microsoft's login for the client credentials grant (RFC 6749, 4.4). Tokens are cached until shortly before they expire;
 * concurrent callers share one request; failures are not cached.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export function createMicrosoftLogin(options: MicrosoftLoginOptions): MicrosoftLogin {
  const { now = Date.now } = options;
  const entries = new LRUCache<string, CachedToken>({ max: MAX_TOKENS });

  function renew(key: string, bot: BotCredentials, scope: string): Promise<string> {
    const requestedAt = now();
    const entry: CachedToken = {
      usableUntil: Number.POSITIVE_INFINITY,
      token: requestToken(options, bot, scope).then(({ token, lifetimeMs }) => {
        entry.value = token;
        entry.usableUntil = requestedAt + lifetimeMs - Math.min(RENEWAL_MARGIN_MS, lifetimeMs / 2);
        return token;
      }),
    };
    entries.set(key, entry);
    entry.token.catch(() => {
      if (entries.peek(key) === entry) entries.delete(key);
    });
    return entry.token;
  }

  const login: MicrosoftLogin = {
    token: async (bot, scope) => {
      const key = keyOf(bot, scope);
      const cached = entries.get(key);
      return cached && now() < cached.usableUntil ? cached.token : renew(key, bot, scope);
    },
    forget: (bot, scope, token) => {
      const key = keyOf(bot, scope);
      if (token === undefined || entries.peek(key)?.value === token) entries.delete(key);
    },
    sendAuthorized: async (bot, scope, send) => {
      const token = await login.token(bot, scope);
      const response = await send(token);
      if (response.status !== 401) return response;
      login.forget(bot, scope, token);
      return send(await login.token(bot, scope));
    },
  };
  return login;
}

/** @throws as `token` */
async function requestToken(
  { loginUrl, fetch, timeoutMs }: MicrosoftLoginOptions,
  bot: BotCredentials,
  scope: string,
): Promise<{ token: string; lifetimeMs: number }> {
  const response = await request(fetch, joinUrl(loginUrl, `${encodeURIComponent(bot.tenantId)}/oauth2/v2.0/token`), {
    method: 'POST',
    form: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: bot.applicationId,
      client_secret: bot.clientSecret,
      scope,
    }),
    timeoutMs,
  }).catch((error) => {
    throw error instanceof NoResponseError ? new DeliveryError('retry', error.code, error.message, undefined, { cause: error }) : error;
  });
  if (response.status !== 200) throw refused(response, bot);
  const parsed = tokenResponse.safeParse(jsonFields(response.text));
  if (!parsed.success) throw new DeliveryError('retry', 'UnreadableAnswer', `${response.host} responded with status 200 and no token.`);
  return { token: parsed.data.access_token, lifetimeMs: parsed.data.expires_in * 1000 };
}

/** The key depends on the secret, so that a changed one is used at once, but is a digest, so that it does not contain it. */
const keyOf = ({ tenantId, applicationId, clientSecret }: BotCredentials, scope: string): string =>
  createHash('sha256')
    .update(JSON.stringify([tenantId, applicationId, clientSecret, scope]))
    .digest('base64');

function refused(response: PlatformResponse, { clientSecret }: BotCredentials): DeliveryError {
  return loginError(response.status, refusalOf(response, [clientSecret]), jsonFields(response.text).error, retryAfterMs(response));
}
