import { randomUUID } from 'node:crypto';
import { authenticateAccessToken } from '../domain/access-tokens.ts';
import { authenticate, type Credentials } from '../domain/accounts.ts';
import type { Caller } from '../domain/caller.ts';
import type { Gateway } from '../domain/gateway.ts';
import { createPlatformAccounts, type PlatformRefusal } from '../domain/platform-accounts.ts';

/** What the connection tells of who is at its other end. */
export interface Peer {
  readonly remoteAddress?: string;
}

/**
 * Nobody may come in with these credentials: 401 where they are not valid, 403 where they are and the account may not be used here, 503 where
 * only the Restcomm platform could tell and does not answer.
 */
export interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly message: string;
  /** Of a 401: what it says in WWW-Authenticate. */
  readonly challenge?: string;
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

const REFUSALS: Readonly<Record<PlatformRefusal, Refusal>> = {
  INACTIVE: { status: 403, message: 'The account is not active' },
  ADMIN: { status: 403, message: "The account is an enterprise's admin, not a provider's" },
  UNAVAILABLE: { status: 503, message: 'Restcomm, which knows the account, does not answer; try again' },
};

export const isRefusal = (outcome: Caller | Refusal): outcome is Refusal => 'status' in outcome;

/**
 * HTTP Basic with an account's SID and auth token (REST.md, Requests), of an account here or, where the SID has no token here, on the Restcomm
 * platform; or an access token as Bearer. Each call makes a request id of its own.
 */
export function createAuthentication(gateway: Pick<Gateway, 'prisma' | 'secrets' | 'restcomm' | 'log'>): Authentication {
  const platform = createPlatformAccounts(gateway);

  async function byPassword({ user, password }: { user: string; password: string }): Promise<Credentials | PlatformRefusal | undefined> {
    return (await authenticate(gateway, user, password)) ?? platform.authenticate(user, password);
  }

  return async (request, peer = {}) => {
    const header = request.headers.get('authorization');
    const token = tokenInQuery(request) ?? parseBearer(header);
    const basic = token === undefined ? parseBasic(header) : undefined;
    const credentials = token === undefined ? basic && (await byPassword(basic)) : await authenticateAccessToken(gateway, token);
    if (!credentials) {
      return {
        status: 401,
        message: 'Authentication is required: HTTP Basic with an account SID and its auth token, or an access token as Bearer',
        challenge: token === undefined ? CHALLENGE : BEARER_CHALLENGE,
      };
    }
    if (typeof credentials === 'string') return REFUSALS[credentials];
    return { ...credentials, requestId: randomUUID(), remoteAddress: peer.remoteAddress };
  };
}

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
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64'));
    const colon = text.indexOf(':');
    return colon < 0 ? undefined : { user: text.slice(0, colon).trim(), password: text.slice(colon + 1) };
  } catch {
    return undefined;
  }
}
