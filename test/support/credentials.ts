/** What a client shows at the door: an account's SID and token, or an access token. */
export type Credentials = { readonly user: string; readonly password: string } | { readonly token: string };

/** The Authorization header. */
export function authorizationOf(credentials: Credentials): string {
  if ('token' in credentials) return `Bearer ${credentials.token}`;
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}
