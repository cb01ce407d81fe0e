import { createHash, timingSafeEqual } from 'node:crypto';
import type { Metrics } from './metrics.ts';

/** Handles `GET /metrics`. */
type MetricsEndpoint = (request: Request) => Promise<Response>;

/**
 * Serves metrics to Prometheus.
 * @param token required as a bearer token; absent: nothing is
 */
export function metricsEndpoint({ text, contentType }: Pick<Metrics, 'text' | 'contentType'>, token: string | undefined): MetricsEndpoint {
  const expected = token === undefined ? undefined : digestOf(`Bearer ${token}`);
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
    if (expected && !timingSafeEqual(digestOf(request.headers.get('authorization') ?? ''), expected)) {
      return new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer realm="metrics"' } });
    }
    const headers = { 'content-type': contentType, 'cache-control': 'no-store' };
    return new Response(request.method === 'HEAD' ? null : await text(), { headers });
  };
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();
