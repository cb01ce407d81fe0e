import { randomUUID } from 'node:crypto';
import { authenticate } from '../domain/accounts.ts';
import type { Caller } from '../domain/caller.ts';
import type { Gateway } from '../domain/gateway.ts';

/** What the connection tells of who is at its other end. */
export interface Peer {
  readonly remoteAddress?: string;
}

/** Nobody may come in with these credentials: 401 where they are not valid, 403 where they are and the account is not ACTIVE. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly message: string;
}

/** The one door of both faces, for a request or an upgrade alike: of either only the Authorization header counts. */
export type Authentication = (request: { readonly headers: Pick<Headers, 'get'> }, peer?: Peer) => Promise<Caller | Refusal>;

/** What a 401 says in WWW-Authenticate. */
export const CHALLENGE = 'Basic realm="teams-sms-gateway", charset="UTF-8"';

export const isRefusal = (outcome: Caller | Refusal): outcome is Refusal => 'status' in outcome;

/** HTTP Basic with an account's SID and auth token (REST.md, Requests). Each call makes a request id of its own. */
export function createAuthentication(gateway: Pick<Gateway, 'prisma' | 'secrets'>): Authentication {
  return async (request, peer = {}) => {
    const basic = parseBasic(request.headers.get('authorization'));
    const credentials = basic && (await authenticate(gateway, basic.user, basic.password));
    if (!credentials) return { status: 401, message: 'Authentication is required: HTTP Basic with an account SID and its auth token' };
    if (credentials === 'INACTIVE') return { status: 403, message: 'The account is not active' };
    return { ...credentials, requestId: randomUUID(), remoteAddress: peer.remoteAddress };
  };
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
