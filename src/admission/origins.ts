/** A request, of which only who sent it counts. */
interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Pick<Headers, 'get'>;
}

/** Which other sites' pages may use the gateway from a browser. */
export interface Origins {
  /** Was this origin allowed, by CORS_ORIGINS? */
  readonly isAllowed: (origin: string | null) => origin is string;
  /** Is it the gateway's own, reached under `host`? */
  readonly isOwn: (origin: string, host: string | undefined) => boolean;
  /**
   * Would it change something for a page of a site that is neither own nor allowed? A browser may add the password that its user once gave it, so
   * such a page could act as its user (CSRF). Whoever sends no Origin is not a browser's page.
   */
  readonly isForeignChange: (request: Sent) => boolean;
}

/**
 * @param allowed exact origins, as browsers send them
 * @param publicUrl under which browsers know the gateway, where a proxy hides that
 */
export function createOrigins(allowed: readonly string[], publicUrl: () => string | undefined): Origins {
  const isAllowed = (origin: string | null): origin is string => origin !== null && allowed.includes(origin);

  function isOwn(origin: string, host: string | undefined): boolean {
    if (!URL.canParse(origin)) return false;
    const url = publicUrl();
    return new URL(origin).host === host || (url !== undefined && new URL(url).origin === origin);
  }

  return {
    isAllowed,
    isOwn,
    isForeignChange: ({ method, url, headers }) => {
      if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return false;
      const origin = headers.get('origin');
      if (isAllowed(origin)) return false;
      // Only browsers send it, and no page can change it.
      const site = headers.get('sec-fetch-site');
      if (site !== null) return site !== 'same-origin' && site !== 'none';
      return origin !== null && !isOwn(origin, new URL(url).host);
    },
  };
}
