import { targetOf } from './node-request.ts';

/**
 * Handles `/health/live` (200 while the process serves requests) and `/health/ready` (200 or 503, for load balancers).
 * @param isReady whether the database responds and is migrated, and the process is not draining
 */
export async function health(request: Request, isReady: () => boolean | Promise<boolean>): Promise<Response> {
  const { pathname } = targetOf(request);
  if (pathname !== '/health/live' && pathname !== '/health/ready') return respond(request, 404, { status: 'not found' });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return respond(request, 405, { status: 'method not allowed' }, { allow: 'GET, HEAD' });
  }
  if (pathname === '/health/live') return respond(request, 200, { status: 'live' });
  return (await isReady()) ? respond(request, 200, { status: 'ready' }) : respond(request, 503, { status: 'unavailable' });
}

function respond(request: Request, status: number, body: { status: string }, headers: Record<string, string> = {}): Response {
  return new Response(request.method === 'HEAD' ? null : JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  });
}
