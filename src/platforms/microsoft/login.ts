import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { CurableError, DeliveryError } from '../delivery-error.ts';
import { type Fetch, joinUrl, jsonFields, NoResponseError, type PlatformResponse, request, retryAfterMs } from '../request.ts';
import { signAssertion } from './client-assertion.ts';
import type { BotCredential, BotCredentials } from './microsoft.ts';
import { loginError } from './outcomes.ts';
import { refusalOf } from './refusal.ts';

export interface MicrosoftLogin {
  /**
   * Gets an access token of the bot's application, cached or new. Its credentials are tried in order, until login takes one.
   * @param scope e.g. `https://graph.microsoft.com/.default`
   * @throws CurableError if login refuses the application, tenant or every credential; DeliveryError `retry` if it does not respond, or is unavailable
   */
  token(bot: BotCredentials, scope: string): Promise<string>;
  /**
   * Asks login for a new token by one credential, to check it.
   * @throws as `token`
   */
  tryCredential(bot: BotCredentials, scope: string, credential: LoginCredential): Promise<void>;
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

/** A further credential, or the client secret. */
type LoginCredential = BotCredential | { readonly kind: 'SECRET'; readonly secret: string; readonly expires?: Date };

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
  /** The scope of tokens for the Bot Framework, which another tenant than the bot's may issue. */
  readonly botScope: string;
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
  const accepted = new LRUCache<string, string>({ max: MAX_TOKENS });

  function renew(key: string, bot: BotCredentials, scope: string): Promise<string> {
    const requestedAt = now();
    const entry: CachedToken = {
      usableUntil: Number.POSITIVE_INFINITY,
      token: firstToken(options, accepted, bot, scope).then(({ token, lifetimeMs }) => {
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
    tryCredential: async (bot, scope, credential) => {
      const outcome = await requestToken(options, bot, scope, credential);
      if (outcome instanceof RefusedCredential) throw outcome.refusal;
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

/** Login did not take a credential: it may take another one. */
class RefusedCredential {
  constructor(readonly refusal: DeliveryError) {}
}

interface IssuedToken {
  readonly token: string;
  readonly lifetimeMs: number;
}

/**
 * Tries a bot's credentials one after another, first the one that login took last.
 * @param accepted the names of those that it took, by application and tenant
 * @throws as `token`; if all are refused, the refusal of the first
 */
async function firstToken(
  options: MicrosoftLoginOptions,
  accepted: LRUCache<string, string>,
  bot: BotCredentials,
  scope: string,
): Promise<IssuedToken> {
  const { now = Date.now } = options;
  const key = JSON.stringify([bot.tenantId, bot.applicationId]);
  let first: DeliveryError | undefined;
  for (const credential of await credentialsInOrder(bot, now(), accepted.get(key))) {
    const outcome = await requestToken(options, bot, scope, credential);
    if (!(outcome instanceof RefusedCredential)) {
      accepted.set(key, nameOf(credential));
      return outcome;
    }
    first ??= outcome.refusal;
  }
  throw first ?? new CurableError('BOT_CREDENTIALS', 'NoCredential', 'The bot has neither a client secret nor a certificate.');
}

/** A bot's credentials, the accepted one first, those that are known to have expired last. */
async function credentialsInOrder(bot: BotCredentials, now: number, accepted: string | undefined): Promise<LoginCredential[]> {
  const rank = (credential: LoginCredential) => {
    if (credential.expires !== undefined && credential.expires.getTime() <= now) return 2;
    return nameOf(credential) === accepted ? 0 : 1;
  };
  return (await credentialsOf(bot)).sort((one, other) => rank(one) - rank(other));
}

/** Names a credential of a bot: a further one by its sid. */
const nameOf = (credential: LoginCredential): string => ('sid' in credential ? credential.sid : 'client secret');

/** All credentials of a bot: its client secret, if it has one, then the others. */
export async function credentialsOf({ clientSecret, further }: BotCredentials): Promise<LoginCredential[]> {
  return [...(clientSecret ? [{ kind: 'SECRET' as const, secret: clientSecret }] : []), ...((await further?.load()) ?? [])];
}

/** @throws as `token`, except if login refuses the credential itself */
async function requestToken(
  { loginUrl, botScope, fetch, timeoutMs, now = Date.now }: MicrosoftLoginOptions,
  bot: BotCredentials,
  scope: string,
  credential: LoginCredential,
): Promise<IssuedToken | RefusedCredential> {
  const tenant = (scope === botScope && bot.loginTenant) || bot.tenantId;
  const url = joinUrl(loginUrl, `${encodeURIComponent(tenant)}/oauth2/v2.0/token`);
  const proof: Record<string, string> =
    credential.kind === 'SECRET'
      ? { client_secret: credential.secret }
      : {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await signAssertion(credential, { applicationId: bot.applicationId, url, now: now() }),
        };
  const response = await request(fetch, url, {
    method: 'POST',
    form: new URLSearchParams({ grant_type: 'client_credentials', client_id: bot.applicationId, ...proof, scope }),
    timeoutMs,
  }).catch((error) => {
    throw error instanceof NoResponseError ? new DeliveryError('retry', error.code, error.message, undefined, { cause: error }) : error;
  });
  if (response.status !== 200) return refused(response, Object.values(proof));
  const parsed = tokenResponse.safeParse(jsonFields(response.text));
  if (!parsed.success) throw new DeliveryError('retry', 'UnreadableAnswer', `${response.host} responded with status 200 and no token.`);
  return { token: parsed.data.access_token, lifetimeMs: parsed.data.expires_in * 1000 };
}

/** The key depends on the credentials, so that changed ones are used at once, but is a digest, so that it does not contain the secret. */
const keyOf = ({ tenantId, applicationId, clientSecret, loginTenant, further }: BotCredentials, scope: string): string =>
  createHash('sha256')
    .update(JSON.stringify([tenantId, applicationId, clientSecret, scope, loginTenant, further?.key]))
    .digest('base64');

/**
 * Tells whether login refuses the credential, or anything else. It says `invalid_client` of a secret or an assertion that is wrong or has expired (RFC
 * 6749, 5.2).
 */
function refused(response: PlatformResponse, secrets: readonly string[]): RefusedCredential {
  const { error } = jsonFields(response.text);
  const refusal = loginError(response.status, refusalOf(response, secrets), error, retryAfterMs(response));
  if (error === 'invalid_client' && refusal.outcome === 'curable') return new RefusedCredential(refusal);
  throw refusal;
}
