import type { AnyRequest } from '../server/node-request.ts';

/** Decides which sites' pages may use the gateway from a browser. */
export interface Origins {
  /** Whether the origin is in CORS_ORIGINS. */
  readonly isAllowed: (origin: string | null) => origin is string;
  /**
   * Whether the origin is the gateway's own.
   * @param host the request's Host
   */
  readonly isOwn: (origin: string, host: string | undefined) => boolean;
  /**
   * Whether a page of another site, not in CORS_ORIGINS, sends a request that may change data. The browser may add the password that its user once
   * entered, so the page would act as that user (CSRF). A request without Origin and Sec-Fetch-Site does not come from a page.
   */
  readonly isForeignChange: (request: AnyRequest) => boolean;
  /**
   * Whether a script of another site's page sends a name and a password. Even a page that CORS_ORIGINS allows needs an access token, which is
   * short-lived and can be narrowed: a page must not hold an account's own credentials.
   */
  readonly isForeignPassword: (request: AnyRequest) => boolean;
}

/** Whether the credential is HTTP Basic. */
export const isBasic = (authorization: string | null | undefined) => /^\s*basic\b/i.test(authorization ?? '');

/**
 * @param allowed exact origins, as browsers send them
 * @param publicUrl the gateway's address in browsers, in case a proxy changes the Host
 */
export function createOrigins(allowed: readonly string[], publicUrl: () => string | undefined): Origins {
  const isAllowed = (origin: string | null): origin is string => origin !== null && allowed.includes(origin);

  function isOwn(origin: string, host: string | undefined): boolean {
    if (!URL.canParse(origin)) return false;
    const url = publicUrl();
    return new URL(origin).host === host || (url !== undefined && new URL(url).origin === origin);
  }

  function isOtherSite({ url, headers }: Pick<AnyRequest, 'url' | 'headers'>): boolean {
    // Only browsers send it, and a page cannot change it.
    const site = headers.get('sec-fetch-site');
    if (site !== null) return site !== 'same-origin' && site !== 'none';
    const origin = headers.get('origin');
    return origin !== null && !isOwn(origin, new URL(url).host);
  }

  return {
    isAllowed,
    isOwn,
    isForeignChange: ({ method, url, headers }) => {
      if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return false;
      return !isAllowed(headers.get('origin')) && isOtherSite({ url, headers });
    },
    // A navigation and an image, with the browser's saved password, have no Origin.
    isForeignPassword: (request) =>
      request.method !== 'OPTIONS' &&
      request.headers.has('origin') &&
      isBasic(request.headers.get('authorization')) &&
      isOtherSite(request),
  };
}
