import type { ResultOf } from 'gql.tada';
import { useSyncExternalStore } from 'react';
import { ask, GraphProblem } from '../graph/ask.ts';
import { graphql } from '../graph/graphql.ts';

// Credentials are exchanged at once for an access token and forgotten. The token is in memory, and in this tab's session storage if asked.

const VIEWER = graphql(`
  query Viewer {
    viewer {
      permissions
      dateExpires
      account { sid friendlyName }
      admin { sid email }
      enterprise { sid name }
      organization { sid name displayName logo accentColor }
    }
  }
`);
const EXCHANGE = graphql(`
  mutation Exchange($input: CreateAccessTokenInput!) {
    createAccessToken(input: $input) {
      ... on CreateAccessTokenSuccess { token accessToken { sid dateExpires } }
      ... on Error { code message path }
    }
  }
`);

/** What the page uses: not the secrets of bots, nor large pages. */
const USED = ['READ', 'WRITE', 'AUDIT'] as const;
/** A working day, in seconds. Before it ends, the page asks for the password again. */
const LIFETIME = 8 * 60 * 60;
const STORED = 'console.session';

type Permission = Viewer['permissions'][number];
type Viewer = ResultOf<typeof VIEWER>['viewer'];

/** Who is signed in. */
export interface Session {
  readonly token: string;
  /** What was typed as the name. Absent if an access token was given. */
  readonly name?: string;
  readonly viewer: Viewer;
  /** In ms since 1970. */
  readonly expires: number;
}

export type Credentials = { readonly name: string; readonly password: string } | { readonly accessToken: string };

let session: Session | undefined = stored();
const followers = new Set<() => void>();

/** The session now. */
export const currentSession = (): Session | undefined => session;

/** Follows the session. */
export function followSession(changed: () => void): () => void {
  followers.add(changed);
  return () => void followers.delete(changed);
}

export const useSession = (): Session | undefined => useSyncExternalStore(followSession, currentSession);

/** Whether the signed-in one has a permission. */
export const may = (permission: Permission): boolean => session?.viewer.permissions.includes(permission) ?? false;

/** Whether the signed-in one is the provider itself, with its whole organization: only then are enterprises created, (de)activated and closed. */
export const isProvider = (): boolean => session !== undefined && !session.viewer.admin && !session.viewer.enterprise;

/** The header of HTTP Basic. Both are UTF-8. */
export function basic(name: string, password: string): string {
  const bytes = new TextEncoder().encode(`${name}:${password}`);
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`;
}

/**
 * Signs in, or renews the session.
 * @param isKept whether the session survives a reload of this tab
 * @throws GraphProblem
 */
export async function signIn(credentials: Credentials, isKept: boolean): Promise<void> {
  const opened =
    'accessToken' in credentials ? await withToken(credentials.accessToken) : await exchanged(credentials.name, credentials.password);
  set(opened);
  if (isKept) window.sessionStorage.setItem(STORED, JSON.stringify(opened));
  else window.sessionStorage.removeItem(STORED);
}

/** Forgets the token. It cannot revoke itself, but expires. */
export function signOut(): void {
  window.sessionStorage.removeItem(STORED);
  set(undefined);
}

/** Whether the session is in this tab's storage. */
export const isKept = (): boolean => window.sessionStorage.getItem(STORED) !== null;

/** The gateway no longer accepts a token. That ends the session, unless it has another token by now. */
export function expire(token: string): void {
  if (session?.token === token && session.expires > 0) set({ ...session, expires: 0 });
}

/** Names who is signed in, the same after a renewal. What was read for one of them is not shown to another. */
export const identityOf = ({ viewer: { account, admin, enterprise } }: Session): string =>
  [account.sid, admin?.sid, enterprise?.sid].join();

async function withToken(token: string): Promise<Session> {
  const { viewer } = await ask(VIEWER, {}, `Bearer ${token}`);
  return { token, viewer, expires: viewer.dateExpires ? Date.parse(viewer.dateExpires) : Number.MAX_SAFE_INTEGER };
}

async function exchanged(name: string, password: string): Promise<Session> {
  const authorization = basic(name, password);
  const { viewer } = await ask(VIEWER, {}, authorization);
  // A read-only account cannot create a token.
  if (!viewer.permissions.includes('WRITE')) throw new GraphProblem('READ_ONLY_ACCOUNT', '');
  const permissions = USED.filter((permission) => viewer.permissions.includes(permission));
  const { createAccessToken: result } = await ask(EXCHANGE, { input: { expiresIn: LIFETIME, permissions } }, authorization);
  if (!result || !('token' in result)) throw new GraphProblem(result?.code ?? 'UNKNOWN', result?.message ?? '');
  return { token: result.token, name, viewer: { ...viewer, permissions }, expires: Date.parse(result.accessToken.dateExpires) };
}

function set(next: Session | undefined): void {
  session = next;
  for (const changed of followers) changed();
}

function stored(): Session | undefined {
  const text = window.sessionStorage.getItem(STORED);
  if (!text) return undefined;
  const kept = JSON.parse(text) as Session;
  return kept.expires > Date.now() ? kept : undefined;
}
