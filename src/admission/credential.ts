/** The credential in a request. */
export type Credential = { readonly user: string; readonly password: string } | { readonly token: string };

/** A request or an upgrade, or only its headers. */
export interface CredentialSource {
  readonly headers: Pick<Headers, 'get'>;
  readonly method?: string;
  readonly url?: string;
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the credential of a request. A token in the query string takes precedence over a header, which a browser may add by itself if its user once
 * entered a password.
 */
export function credentialOf(request: CredentialSource): Credential | undefined {
  const header = request.headers.get('authorization');
  const token = tokenInQuery(request) ?? parseBearer(header);
  return token === undefined ? parseBasic(header) : { token };
}

/**
 * The access token in a query string (RFC 6750, 2.3). Accepted only for the graph's event streams, since a browser's EventSource cannot set a header.
 */
function tokenInQuery({ headers, method, url }: CredentialSource): string | undefined {
  if (method !== 'GET' || !url || !/\btext\/event-stream\b/i.test(headers.get('accept') ?? '')) return undefined;
  const { pathname, searchParams } = new URL(url);
  return pathname === '/graphql' ? (searchParams.get('access_token') ?? undefined) : undefined;
}

/** RFC 6750, 2.1. */
function parseBearer(header: string | null): string | undefined {
  return /^ *bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

/**
 * Parses HTTP Basic (RFC 7617). Spaces around the user name are removed (REST.md, Requests); the password may contain colons.
 * @returns `undefined` unless the header is one well-formed Basic credential in UTF-8
 */
function parseBasic(header: string | null): Credential | undefined {
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
