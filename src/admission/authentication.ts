import { hash, randomBytes, randomUUID } from 'node:crypto';
import { authenticateAccessToken } from '../domain/access/access-tokens.ts';
import { authenticate } from '../domain/access/accounts.ts';
import { authenticateAdmin, isAdminName } from '../domain/access/admin-credentials.ts';
import { createPlatformAccounts, type PlatformCredentials, type PlatformRefusal } from '../domain/access/platform-accounts.ts';
import type { Caller, Credentials } from '../domain/caller.ts';
import type { Gateway } from '../domain/gateway.ts';
import { fold } from '../domain/text.ts';
import { QueueFullError } from '../domain/turns.ts';
import { createFailedAttempts, type FailedAttemptsOptions, originOf } from './failed-attempts.ts';
import { OUTAGE, OUTAGE_LOGGED, outageOf } from './outage.ts';

/** What the connection tells of who is at its other end. */
export interface Peer {
  readonly remoteAddress?: string;
}

/**
 * Nobody may come in with these credentials: 401 where they are not valid, 403 where they are and the account may not be used here, 429 where too
 * many failed before, 503 where only the Restcomm platform could tell and does not answer, too many passwords wait to be verified, or the database
 * can't be asked.
 */
export interface Refusal {
  readonly status: 401 | 403 | 429 | 503;
  readonly message: string;
  /** Of a 401: what it says in WWW-Authenticate. */
  readonly challenge?: string;
  /** After how many seconds to come again. */
  readonly retryAfter?: number;
}

/** A request, or an upgrade, of which only the headers count. */
interface Presented {
  readonly headers: Pick<Headers, 'get'>;
  readonly method?: string;
  readonly url?: string;
}

/** The one door of both faces and every transport. */
export type Authentication = (request: Presented, peer?: Peer) => Promise<Caller | Refusal>;

/** What a 401 says in WWW-Authenticate, unless it refuses a bearer token: a browser asks its user for a name and a password then. */
export const CHALLENGE = 'Basic realm="teams-sms-gateway", charset="UTF-8"';
const BEARER_CHALLENGE = 'Bearer realm="teams-sms-gateway", error="invalid_token"';

type Reason = PlatformRefusal | 'BUSY' | 'OUTAGE';

const REFUSALS: Readonly<Record<Reason, Refusal>> = {
  INACTIVE: { status: 403, message: 'The account is not active' },
  AMBIGUOUS: { status: 403, message: "The account is the admin of several providers' enterprises" },
  UNAVAILABLE: { status: 503, message: 'Restcomm, which knows the account, does not answer; try again' },
  BUSY: { status: 503, message: 'Too many passwords wait to be verified; try again', retryAfter: 2 },
  OUTAGE: { status: 503, ...OUTAGE },
};

/** Those that are no failed attempts: whoever gets one gave the right credentials, or was not judged, or gives what was right. */
type Outcome = Credentials | Reason | 'ENDED' | undefined;

type Deps = Pick<Gateway, 'prisma' | 'secrets' | 'restcomm' | 'verified' | 'log'>;

export const isRefusal = (outcome: Caller | Refusal): outcome is Refusal => 'status' in outcome;

/**
 * HTTP Basic with an account's SID and auth token (REST.md, Requests), of an account here or, where the SID has no token here, on the Restcomm
 * platform; with an enterprise's admin's sid or e-mail and password; or an access token as Bearer. Each call makes a request id of its own.
 *
 * Credentials that were verified within a minute cost no work and are never held up. Of the others, those that fail often are slowed, by address
 * and by name, unless they were right before.
 */
export function createAuthentication(gateway: Deps, failedAttempts?: FailedAttemptsOptions): Authentication {
  const { verified, log } = gateway;
  const platform = createPlatformAccounts(gateway);
  const attempts = createFailedAttempts(failedAttempts);
  /** Requests that give the same from the same address share one verification. */
  const pending = new Map<string, Promise<Outcome | { readonly retryAfter: number }>>();
  // What is under way may have begun before the change.
  verified.onDrop(() => pending.clear());

  async function verify(presented: Credential, origin: string | undefined): Promise<PlatformCredentials | Outcome> {
    if ('token' in presented) return authenticateAccessToken(gateway, presented.token);
    const { user, password } = presented;
    if (isAdminName(user)) return authenticateAdmin(gateway, user, password, origin);
    return (await authenticate(gateway, user, password)) ?? platform.authenticate(user, password);
  }

  /** Verifies, and keeps what is good. */
  async function judge(key: string, presented: Credential, origin: string | undefined): Promise<Outcome> {
    const verification = verified.begin(key);
    try {
      const outcome = await verify(presented, origin);
      if (typeof outcome !== 'object') return outcome;
      const { credentials, until } = 'credentials' in outcome ? outcome : { credentials: outcome, until: undefined };
      verification.keep(credentials, until);
      return credentials;
    } catch (error) {
      if (error instanceof QueueFullError) return 'BUSY';
      if (!outageOf(error)) throw error;
      log.error({ err: error }, OUTAGE_LOGGED);
      return 'OUTAGE';
    } finally {
      verification.end();
    }
  }

  async function attempt(key: string, presented: Credential, address: string | undefined): Promise<Outcome | { retryAfter: number }> {
    if (verified.isKnown(key)) return judge(key, presented, undefined);
    const name = 'user' in presented ? digest(fold(presented.user)) : undefined;
    const begun = await attempts.begin(address, name);
    if ('retryAfter' in begun) return begun;
    let hasFailed = false;
    try {
      const outcome = await judge(key, presented, originOf(address));
      hasFailed = outcome === undefined;
      return outcome;
    } finally {
      begun.end(hasFailed);
    }
  }

  /** What is kept of credentials, and only in this process: under a key that is nowhere else. */
  const key = randomBytes(32).toString('base64');
  const digest = (text: string) => hash('sha256', `${key}${text}`, 'base64');

  async function outcomeOf(presented: Credential, address: string | undefined): Promise<Outcome | { retryAfter: number }> {
    const key = digest('token' in presented ? `bearer\n${presented.token}` : `basic\n${presented.user}\n${presented.password}`);
    const known = verified.get(key);
    if (known) return known;
    const shared = `${key} ${address}`;
    const running = pending.get(shared);
    if (running) return running;
    const begun = attempt(key, presented, address).finally(() => pending.get(shared) === begun && pending.delete(shared));
    pending.set(shared, begun);
    return begun;
  }

  return async (request, { remoteAddress } = {}) => {
    const header = request.headers.get('authorization');
    const token = tokenInQuery(request) ?? parseBearer(header);
    const presented = token === undefined ? parseBasic(header) : { token };
    const outcome = presented && (await outcomeOf(presented, remoteAddress));
    if (outcome === undefined || outcome === 'ENDED') {
      return {
        status: 401,
        message: 'Authentication is required: HTTP Basic with an account SID and its auth token, or an access token as Bearer',
        challenge: token === undefined ? CHALLENGE : BEARER_CHALLENGE,
      };
    }
    if (typeof outcome === 'string') return REFUSALS[outcome];
    if ('retryAfter' in outcome) {
      return { status: 429, message: 'Too many attempts to authenticate failed; try again later', retryAfter: outcome.retryAfter };
    }
    return Object.assign({ requestId: randomUUID(), remoteAddress }, outcome);
  };
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Credential = { readonly user: string; readonly password: string } | { readonly token: string };

/**
 * A browser's EventSource can't set a header, so for a stream of the graph's, and nothing else, the token may be a query parameter (RFC 6750,
 * 2.3). It goes before a header, which a browser may add by itself from a password that its user gave it.
 */
function tokenInQuery({ headers, method, url }: Presented): string | undefined {
  if (method !== 'GET' || !url || !headers.get('accept')?.includes('text/event-stream')) return undefined;
  const { pathname, searchParams } = new URL(url);
  return pathname === '/graphql' ? (searchParams.get('access_token') ?? undefined) : undefined;
}

function parseBearer(header: string | null): string | undefined {
  return /^ *bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

/**
 * The user name, spaces around it trimmed (the source's curl lines have one), and the password, which may hold colons (RFC 7617).
 * `undefined` for anything but one well-formed Basic credential in UTF-8.
 */
function parseBasic(header: string | null): { user: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header ?? '')?.[1];
  if (!encoded) return undefined;
  try {
    const text = UTF_8.decode(Buffer.from(encoded, 'base64'));
    const colon = text.indexOf(':');
    return colon < 0 ? undefined : { user: text.slice(0, colon).trim(), password: text.slice(colon + 1) };
  } catch {
    return undefined;
  }
}
