import type { AnyRequest } from '../server/node-request.ts';
import type { AnyResponse } from '../server/text-response.ts';
import type { Origins } from './origins.ts';

const METHODS = 'GET, HEAD, POST, PUT, DELETE';
const REQUEST_HEADERS = 'authorization, content-type, idempotency-key, last-event-id, accept';
/** What an allowed page may read of an answer's headers. */
const EXPOSED = 'x-request-id, ratelimit, ratelimit-policy, retry-after, allow, www-authenticate';
/** No browser keeps a preflight's answer longer. */
const MAX_AGE_SECONDS = 7200;

/**
 * The answer to a preflight of an allowed origin; `undefined` for any other request. Credentials of the browser's own (`credentials: 'include'`)
 * are never allowed: a page of another site brings an access token in the header Authorization.
 */
export function preflight(request: AnyRequest, { isAllowed }: Origins): Response | undefined {
  if (request.method !== 'OPTIONS' || !request.headers.has('access-control-request-method')) return undefined;
  if (!isAllowed(request.headers.get('origin'))) return undefined;
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': REQUEST_HEADERS,
      'access-control-max-age': String(MAX_AGE_SECONDS),
    },
  });
}

/** Lets the page read the answer where its origin is allowed. */
export function allowOrigin(request: AnyRequest, response: AnyResponse, { isAllowed }: Origins): void {
  const origin = request.headers.get('origin');
  if (!isAllowed(origin)) return;
  response.headers.set('access-control-allow-origin', origin);
  response.headers.set('access-control-expose-headers', EXPOSED);
  response.headers.append('vary', 'origin');
}
