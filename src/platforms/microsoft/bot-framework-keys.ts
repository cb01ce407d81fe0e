import { importJWK } from 'jose';
import { z } from 'zod';
import { type Fetch, jsonFields, request } from '../request.ts';
import { isLoopback } from './service-hosts.ts';

/** The keys can not be had now: no token can be told true from false. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

export interface BotFrameworkKey {
  readonly key: Awaited<ReturnType<typeof importJWK>>;
  /** The channels whose activities it may sign, e.g. `msteams`. */
  readonly endorsements: readonly string[];
}

export interface BotFrameworkKeys {
  /** `undefined` where Microsoft publishes no such RSA key. @throws KeysUnavailableError */
  find(kid: string): Promise<BotFrameworkKey | undefined>;
}

/** Both from the Bot Framework's rules: keys are kept for a day, and looked for once an hour where one is missing. In ms. */
const LONGEST_KEPT = 24 * 3_600_000;
const LOOK_AGAIN = 3_600_000;
/** A look that failed is not the hour's one, but doesn't come in quick succession either. */
const LOOK_AGAIN_AFTER_FAILURE = 60_000;
const TIMEOUT = 10_000;

const configuration = z.object({ jwks_uri: z.url() });
const keySet = z.object({ keys: z.array(z.unknown()) });
const signingKey = z.looseObject({
  kty: z.literal('RSA'),
  kid: z.string(),
  use: z.literal('sig').optional(),
  endorsements: z.array(z.string()).default([]),
});

/**
 * The Bot Framework's signing keys, by the OpenID configuration that names where they are.
 *
 * @param options.openIdUrl e.g. `https://login.botframework.com/v1/.well-known/openidconfiguration`; the keys must be at the same origin
 * @param options.now for tests, in ms
 * @throws TypeError where openIdUrl is neither https nor http to this machine
 */
export function createBotFrameworkKeys({
  openIdUrl,
  fetch,
  now = Date.now,
}: {
  openIdUrl: string;
  fetch: Fetch;
  now?: () => number;
}): BotFrameworkKeys {
  const { origin, protocol, hostname } = new URL(openIdUrl);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) throw new TypeError(`${openIdUrl} is not https`);

  let known: { readonly keys: Map<string, BotFrameworkKey>; readonly at: number } | undefined;
  let loading: Promise<Map<string, BotFrameworkKey>> | undefined;
  let lookAgainAt = 0;
  let failure: KeysUnavailableError | undefined;

  async function read(url: string): Promise<Readonly<Record<string, unknown>>> {
    const answer = await request(fetch, url, { timeoutMs: TIMEOUT });
    if (answer.status !== 200) throw new KeysUnavailableError(`${answer.host} answered ${answer.status}.`);
    return jsonFields(answer.text);
  }

  async function load(): Promise<Map<string, BotFrameworkKey>> {
    try {
      const { jwks_uri } = configuration.parse(await read(openIdUrl));
      if (new URL(jwks_uri).origin !== origin) throw new KeysUnavailableError(`The keys are said to be at another origin than ${origin}.`);
      const keys = await importKeys(keySet.parse(await read(jwks_uri)).keys);
      known = { keys, at: now() };
      failure = undefined;
      return keys;
    } catch (error) {
      const why = error instanceof z.ZodError ? `${origin} answered something else than its keys.` : (error as Error).message;
      failure = new KeysUnavailableError(`The Bot Framework's keys can not be had: ${why}`, { cause: error });
      throw failure;
    }
  }

  /** One request for all that wait. */
  function loaded(): Promise<Map<string, BotFrameworkKey>> {
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  return {
    find: async (kid) => {
      const fresh = known && now() < known.at + LONGEST_KEPT;
      const found = (fresh && known ? known.keys : await loaded()).get(kid);
      if (found || !fresh) return found;
      if (now() < lookAgainAt) {
        if (failure) throw failure;
        return undefined;
      }
      lookAgainAt = now() + LOOK_AGAIN;
      try {
        return (await loaded()).get(kid);
      } catch (error) {
        lookAgainAt = now() + LOOK_AGAIN_AFTER_FAILURE;
        throw error;
      }
    },
  };
}

/** What is no RSA key for signing is left out: the set may come to hold other kinds. */
async function importKeys(candidates: readonly unknown[]): Promise<Map<string, BotFrameworkKey>> {
  const keys = new Map<string, BotFrameworkKey>();
  for (const candidate of candidates) {
    const parsed = signingKey.safeParse(candidate);
    if (!parsed.success) continue;
    const { kid, endorsements, ...jwk } = parsed.data;
    const key = await importJWK(jwk, 'RS256').catch(() => undefined);
    if (key) keys.set(kid, { key, endorsements });
  }
  return keys;
}
