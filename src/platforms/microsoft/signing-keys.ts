import { importJWK } from 'jose';
import * as z from 'zod';
import { type Fetch, jsonFields, request } from '../request.ts';
import { isLoopback } from './service-hosts.ts';

/** A signer's keys cannot be fetched, so no token can be verified. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

/** A key that signs tokens. */
export interface SigningKey {
  readonly key: Awaited<ReturnType<typeof importJWK>>;
  /** For keys of the Bot Framework: the ids of the channels whose activities the key may sign, e.g. `msteams`. */
  readonly endorsements: readonly string[];
  /** The issuer in the configuration that names the keys. */
  readonly issuer?: string;
}

/** The keys of one signer. */
export interface SigningKeys {
  /**
   * Finds a key by its id.
   * @returns `undefined` if Microsoft publishes no such RSA key
   * @throws KeysUnavailableError
   */
  find(kid: string): Promise<SigningKey | undefined>;
}

const HOUR_MS = 3_600_000;
/** Keys are cached for a day, as the Bot Framework's rules for authentication demand. */
const MAX_AGE_MS = 24 * HOUR_MS;
/** If a key is missing, the keys are fetched again, at most this often. */
const REFETCH_MS = HOUR_MS;
const REFETCH_AFTER_FAILURE_MS = 60_000;
/** While there are no keys, so many requests in a row may fail; after that, there is one in this time. Anybody can send tokens that need keys. */
const FAILURES = 3;
const PAUSE_MS = 5000;
const TIMEOUT_MS = 10_000;

const configuration = z.object({ jwks_uri: z.url(), issuer: z.string().optional() });
const keySet = z.object({ keys: z.array(z.unknown()) });
const signingKey = z.looseObject({
  kty: z.literal('RSA'),
  kid: z.string(),
  use: z.literal('sig').optional(),
  endorsements: z.array(z.string()).default([]),
});

/**
 * Creates a cache of the signing keys of the Bot Framework or of Entra. Their OpenID configuration names the address of the keys.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
 * @param options.openIdUrl e.g. `https://login.botframework.com/v1/.well-known/openidconfiguration`; the keys must have the same origin
 * @param options.signer for errors, e.g. `the Bot Framework`
 * @param options.now for tests, in ms
 * @throws TypeError if openIdUrl is neither https nor plain http to this machine
 */
export function createSigningKeys({
  openIdUrl,
  signer,
  fetch,
  now = Date.now,
}: {
  openIdUrl: string;
  signer: string;
  fetch: Fetch;
  now?: () => number;
}): SigningKeys {
  const { origin, protocol, hostname } = new URL(openIdUrl);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) throw new TypeError(`${openIdUrl} is not https`);

  let cached: { readonly keys: Map<string, SigningKey>; readonly fetchedAt: number } | undefined;
  let loading: Promise<Map<string, SigningKey>> | undefined;
  let refetchAt = 0;
  let failure: KeysUnavailableError | undefined;
  let failures = 0;
  let pausedUntil = 0;

  async function load(): Promise<Map<string, SigningKey>> {
    try {
      const keys = await fetchKeys(fetch, openIdUrl);
      cached = { keys, fetchedAt: now() };
      failure = undefined;
      failures = 0;
      return keys;
    } catch (error) {
      const reason = error instanceof z.ZodError ? `${origin} responded with something else than keys.` : (error as Error).message;
      failure = new KeysUnavailableError(`Cannot fetch ${signer}'s signing keys: ${reason}`, { cause: error });
      failures += 1;
      if (failures >= FAILURES) pausedUntil = now() + PAUSE_MS;
      throw failure;
    }
  }

  /** Concurrent callers share one request. */
  function loadOnce(): Promise<Map<string, SigningKey>> {
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  return {
    find: async (kid) => {
      if (!cached || now() >= cached.fetchedAt + MAX_AGE_MS) {
        if (failure && now() < pausedUntil) throw failure;
        return (await loadOnce()).get(kid);
      }
      const found = cached.keys.get(kid);
      if (found) return found;
      if (now() < refetchAt) {
        if (failure) throw failure;
        return undefined;
      }
      refetchAt = now() + REFETCH_MS;
      try {
        return (await loadOnce()).get(kid);
      } catch (error) {
        refetchAt = now() + REFETCH_AFTER_FAILURE_MS;
        throw error;
      }
    },
  };
}

async function fetchKeys(fetch: Fetch, openIdUrl: string): Promise<Map<string, SigningKey>> {
  const { jwks_uri, issuer } = configuration.parse(await fetchJson(fetch, openIdUrl));
  const { origin } = new URL(openIdUrl);
  if (new URL(jwks_uri).origin !== origin) throw new KeysUnavailableError(`The OpenID configuration names keys outside of ${origin}.`);
  return importKeys(keySet.parse(await fetchJson(fetch, jwks_uri)).keys, issuer);
}

async function fetchJson(fetch: Fetch, url: string): Promise<Readonly<Record<string, unknown>>> {
  const response = await request(fetch, url, { timeoutMs: TIMEOUT_MS });
  if (response.status !== 200) throw new KeysUnavailableError(`${response.host} responded with status ${response.status}.`);
  return jsonFields(response.text);
}

/** Skips keys other than RSA signing keys. */
async function importKeys(candidates: readonly unknown[], issuer: string | undefined): Promise<Map<string, SigningKey>> {
  const keys = new Map<string, SigningKey>();
  for (const candidate of candidates) {
    const parsed = signingKey.safeParse(candidate);
    if (!parsed.success) continue;
    const { kid, endorsements, ...jwk } = parsed.data;
    const key = await importJWK(jwk, 'RS256').catch(() => undefined);
    if (key) keys.set(kid, { key, endorsements, issuer });
  }
  return keys;
}
