import type { ResultOf } from 'gql.tada';
import { useSyncExternalStore } from 'react';
import { ask, GraphProblem } from '../graph/ask.ts';
import { graphql } from '../graph/graphql.ts';
import { forgetStored, isStored, storedSession, storeSession } from './stored.ts';
import { VIEWER } from './viewer.ts';

// Credentials are exchanged at once for an access token and forgotten. The token is in memory, and in this tab's session storage if asked.

const EXCHANGE = graphql(`
  mutation Exchange($input: CreateAccessTokenInput!) {
    createAccessToken(input: $input) {
      ... on CreateAccessTokenSuccess { token accessToken { sid dateExpires } }
      ... on Error { code message path }
    }
  }
`);

const LINK = graphql(`
  mutation LinkMicrosoftUser($input: LinkMicrosoftUserInput!) {
    linkMicrosoftUser(input: $input) {
      ... on Error { code message path }
    }
  }
`);

const REVOKE = graphql(`
  mutation RevokeOwn($input: RevokeAccessTokenInput!) {
    revokeAccessToken(input: $input) {
      ... on Error { code message path }
    }
  }
`);

/** What the page uses: not the secrets of bots. */
const USED = ['READ', 'WRITE', 'AUDIT'] as const;
/** A working day, in seconds. Before it ends, the page asks for the password again. */
const LIFETIME = 8 * 60 * 60;

type Permission = Viewer['permissions'][number];
type Viewer = ResultOf<typeof VIEWER>['viewer'];

/** Who is signed in. */
export interface Session {
  readonly token: string;
  /** The name that was typed, or the admin's address. Absent if an access token was given. */
  readonly name?: string;
  /** Whether Teams has signed the user in. */
  readonly byTeams?: true;
  /** The sid of the token, if the page has created it. */
  readonly tokenSid?: string;
  readonly viewer: Viewer;
  /** In ms since 1970. */
  readonly expires: number;
}

export type Credentials = { readonly name: string; readonly password: string } | { readonly accessToken: string };

let session = storedSession<Session>();
let isLeft = false;
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

/** Whether the signed-in one may import mappings. An enterprise's admin may, if the organization has opted in. */
export const mayImport = (): boolean => may('WRITE') && hasFeature('ADMIN_IMPORT');

/** Whether the signed-in one may download files, as mayImport. */
export const mayExport = (): boolean => may('READ') && hasFeature('ADMIN_EXPORT');

const hasFeature = (feature: Viewer['organization']['features'][number]): boolean =>
  session !== undefined && (!session.viewer.admin || session.viewer.organization.features.includes(feature));

/** The header of HTTP Basic. Both are UTF-8. */
export function basic(name: string, password: string): string {
  const bytes = new TextEncoder().encode(`${name}:${password}`);
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`;
}

/** Whether somebody has signed out since the page was loaded. Teams then signs nobody in until they ask for it. */
export const hasSignedOut = (): boolean => isLeft;

/**
 * Signs in, or renews the session.
 * @param isKept whether the session survives a reload of this tab
 * @param teamsToken of a user of Teams to link with the admin, so that Teams signs the user in from then on
 * @throws GraphProblem
 */
export async function signIn(credentials: Credentials, isKept: boolean, teamsToken?: string): Promise<void> {
  if ('accessToken' in credentials) return open(await withToken(credentials.accessToken), isKept);
  const { name, password } = credentials;
  const authorization = basic(name, password);
  // First: another user than before ends the tokens that there are.
  if (teamsToken !== undefined) await link(authorization, teamsToken);
  open({ ...(await exchanged(authorization)), name }, isKept);
}

/**
 * Signs in, or renews the session, with a token from Teams. Teams returns another one after a reload, so nothing is stored.
 * @throws GraphProblem
 */
export async function signInByTeams(teamsToken: string): Promise<void> {
  const opened = await exchanged(`Bearer ${teamsToken}`);
  open({ ...opened, name: opened.viewer.admin?.email, byTeams: true }, false);
}

async function link(authorization: string, token: string): Promise<void> {
  const { linkMicrosoftUser: result } = await ask(LINK, { input: { token } }, authorization);
  if (result && 'code' in result) throw new GraphProblem(result.code, result.message);
}

function open(opened: Session, isKept: boolean): void {
  set(opened);
  if (isKept) storeSession(opened);
  else forgetStored();
}

/** Forgets the token, and revokes it if the page has created it. An access token that was entered may have other users. */
export function signOut(): void {
  const former = session;
  isLeft = true;
  forgetStored();
  set(undefined);
  if (former) revoke(former);
}

/** Revokes a token that the page has created. If that fails, the token stays valid until it expires. */
function revoke({ token, tokenSid, expires }: Session): void {
  if (tokenSid && expires > 0) ask(REVOKE, { input: { sid: tokenSid } }, `Bearer ${token}`).catch(() => undefined);
}

/** Shows what the signed-in one's organization is called and looks like from now on. */
export function rebrand(organization: Partial<Viewer['organization']>): void {
  if (!session) return;
  set({ ...session, viewer: { ...session.viewer, organization: { ...session.viewer.organization, ...organization } } });
  if (isStored()) storeSession(session);
}

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

async function exchanged(authorization: string): Promise<Session> {
  const { viewer } = await ask(VIEWER, {}, authorization);
  const permissions = USED.filter((permission) => viewer.permissions.includes(permission));
  const { createAccessToken: result } = await ask(EXCHANGE, { input: { expiresIn: LIFETIME, permissions } }, authorization);
  if (!result || !('token' in result)) throw new GraphProblem(result?.code ?? 'UNKNOWN', result?.message ?? '');
  const { sid: tokenSid, dateExpires } = result.accessToken;
  return { token: result.token, tokenSid, viewer: { ...viewer, permissions }, expires: Date.parse(dateExpires) };
}

function set(next: Session | undefined): void {
  session = next;
  for (const changed of followers) changed();
}
