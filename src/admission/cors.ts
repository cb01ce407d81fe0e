import type { AnyRequest } from '../server/node-request.ts';
import type { AnyResponse } from '../server/text-response.ts';
import type { Origins } from './origins.ts';

const METHODS = 'GET, HEAD, POST, PUT, DELETE';
/**
 * - of both faces: Authorization, Content-Type, Accept, Idempotency-Key, Last-Event-ID, X-GraphQL-Cost
 * - of libraries around fetch: tracing (W3C Trace Context and Baggage, B3, Sentry, Datadog, Application Insights, New Relic, Elastic), Apollo's client awareness, XMLHttpRequest's habits, caches
 */
const REQUEST_HEADERS = [
  ...['authorization', 'content-type', 'accept', 'idempotency-key', 'last-event-id', 'x-graphql-cost'],
  ...['traceparent', 'tracestate', 'baggage', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags'],
  ...[
    'request-id',
    'request-context',
    'newrelic',
    'elastic-apm-traceparent',
    'sentry-trace',
    'x-datadog-trace-id',
    'x-datadog-parent-id',
    'x-datadog-origin',
    'x-datadog-sampling-priority',
  ],
  ...[
    'apollographql-client-name',
    'apollographql-client-version',
    'apollo-require-preflight',
    'x-apollo-operation-name',
    'x-apollo-operation-type',
  ],
  ...['graphql-client-name', 'graphql-client-version', 'x-graphql-client-name', 'x-graphql-client-version', 'graphql-require-preflight'],
  ...['x-requested-with', 'x-request-id', 'x-correlation-id', 'cache-control', 'pragma', 'if-none-match', 'if-modified-since'],
].join(', ');
/** The response headers that an allowed page may read. */
const EXPOSED_HEADERS = 'x-request-id, ratelimit, ratelimit-policy, retry-after, allow, accept, location, www-authenticate';
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
