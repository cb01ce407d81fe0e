import type { AnyRequest } from '../server/node-request.ts';
import type { AnyResponse } from '../server/text-response.ts';
import type { Origins } from './origins.ts';

const METHODS = 'GET, HEAD, POST, PUT, DELETE';
const REQUEST_HEADERS = 'authorization, content-type, idempotency-key, last-event-id, accept';
/** The response headers that an allowed page may read. */
const EXPOSED_HEADERS = 'x-request-id, ratelimit, ratelimit-policy, retry-after, allow, www-authenticate';
/** The longest that browsers cache a preflight's response. */
const MAX_AGE_SECONDS = 7200;

/**
 * Responds to a CORS preflight (Fetch standard, CORS protocol). The browser's own credentials (`credentials: 'include'`) are never allowed: a page of
 * another site sends an access token in Authorization.
 * @returns `undefined` unless the request is a preflight from an allowed origin
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

/** Lets a page of an allowed origin read the response. */
export function allowOrigin(request: AnyRequest, response: AnyResponse, { isAllowed }: Origins): void {
  const origin = request.headers.get('origin');
  if (!isAllowed(origin)) return;
  response.headers.set('access-control-allow-origin', origin);
  response.headers.set('access-control-expose-headers', EXPOSED_HEADERS);
  response.headers.append('vary', 'origin');
}
