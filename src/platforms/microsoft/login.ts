import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Answer, type Fetch, jsonFields, NoAnswerError, request, retryAfterMs, under } from '../request.ts';
import type { BotCredentials } from './microsoft.ts';
import { refusalOf } from './refusal.ts';

/** No token. `refused`: the tenant, application or secret is wrong; `retry`: login did not answer, or not now. */
export class LoginError extends Error {
  override readonly name = 'LoginError';

  constructor(
    readonly outcome: 'refused' | 'retry',
    /** e.g. `AADSTS7000215`. */
    readonly code: string,
    message: string,
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface MicrosoftLogin {
  /** A token of the application for a scope, e.g. `https://graph.microsoft.com/.default`. @throws LoginError */
  token(bot: BotCredentials, scope: string): Promise<string>;
  /** The next caller gets a new token, unless somebody already got one. */
  forget(bot: BotCredentials, scope: string, token?: string): void;
  /** Sends with a token; where that is answered 401, once more with a new one. @throws LoginError, and what `send` throws */
  authorized(bot: BotCredentials, scope: string, send: (token: string) => Promise<Answer>): Promise<Answer>;
}

interface Entry {
  readonly token: Promise<string>;
  value?: string;
  usableUntil: number;
}

/** A token is renewed this long before it expires, in ms, or at half its life where that is shorter. */
const MARGIN = 5 * 60_000;
/** Above this many tokens, expired ones are looked for. */
const SWEEP = 1_000;

const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });

/**
 * Client credentials at Microsoft's login (OAuth 2.0, 4.4). A token is kept until near its expiry; concurrent callers share one
 * request; what goes wrong is not kept.
 *
 * @param options.loginUrl e.g. `https://login.microsoftonline.com`
 * @param options.now for tests, in ms
 */
export function createMicrosoftLogin({
  loginUrl,
  fetch,
  timeoutMs,
  now = Date.now,
}: {
  loginUrl: string;
  fetch: Fetch;
  timeoutMs: number;
  now?: () => number;
}): MicrosoftLogin {
  const entries = new Map<string, Entry>();

  async function ask(bot: BotCredentials, scope: string): Promise<{ token: string; lifetime: number }> {
    const answer = await request(fetch, under(loginUrl, `${encodeURIComponent(bot.tenantId)}/oauth2/v2.0/token`), {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: bot.applicationId,
        client_secret: bot.clientSecret,
        scope,
      }),
      timeoutMs,
    }).catch((error) => {
      throw error instanceof NoAnswerError ? new LoginError('retry', error.code, error.message, undefined, { cause: error }) : error;
    });
    if (answer.status !== 200) throw refused(answer, bot);
    const parsed = tokenAnswer.safeParse(jsonFields(answer.text));
    if (!parsed.success) throw new LoginError('retry', 'UnreadableAnswer', `${answer.host} answered 200 without a token.`);
    return { token: parsed.data.access_token, lifetime: parsed.data.expires_in * 1000 };
  }

  function renew(key: string, bot: BotCredentials, scope: string): Promise<string> {
    if (entries.size >= SWEEP) for (const [other, { usableUntil }] of entries) if (usableUntil <= now()) entries.delete(other);
    const asked = now();
    const entry: Entry = {
      usableUntil: Number.POSITIVE_INFINITY,
      token: ask(bot, scope).then(({ token, lifetime }) => {
        entry.value = token;
        entry.usableUntil = asked + lifetime - Math.min(MARGIN, lifetime / 2);
        return token;
      }),
    };
    entries.set(key, entry);
    entry.token.catch(() => {
      if (entries.get(key) === entry) entries.delete(key);
    });
    return entry.token;
  }

  const login: MicrosoftLogin = {
    token: async (bot, scope) => {
      const key = keyOf(bot, scope);
      const known = entries.get(key);
      return known && now() < known.usableUntil ? known.token : renew(key, bot, scope);
    },
    forget: (bot, scope, token) => {
      const key = keyOf(bot, scope);
      if (token === undefined || entries.get(key)?.value === token) entries.delete(key);
    },
    authorized: async (bot, scope, send) => {
      const token = await login.token(bot, scope);
      const answer = await send(token);
      if (answer.status !== 401) return answer;
      login.forget(bot, scope, token);
      return send(await login.token(bot, scope));
    },
  };
  return login;
}

/** The secret counts, so that a changed one is tried at once, but isn't held here. */
const keyOf = ({ tenantId, applicationId, clientSecret }: BotCredentials, scope: string): string =>
  createHash('sha256')
    .update(JSON.stringify([tenantId, applicationId, clientSecret, scope]))
    .digest('base64');

function refused(answer: Answer, { clientSecret }: BotCredentials): LoginError {
  const { code, message } = refusalOf(answer, [clientSecret]);
  const later = answer.status === 429 || answer.status >= 500 || jsonFields(answer.text).error === 'temporarily_unavailable';
  return new LoginError(later ? 'retry' : 'refused', code, message, later ? retryAfterMs(answer) : undefined);
}
