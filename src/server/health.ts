/**
 * /health/live: 200, the process serves requests, whatever its database does. /health/ready: 200 while `isReady` (the
 * database answers, migrations are in, not draining), else 503, so that a load balancer sends requests elsewhere.
 */
export async function health(request: Request, isReady: () => boolean | Promise<boolean>): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname !== '/health/live' && pathname !== '/health/ready') return answer(request, 404, { status: 'not found' });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return answer(request, 405, { status: 'method not allowed' }, { allow: 'GET, HEAD' });
  }
  if (pathname === '/health/live') return answer(request, 200, { status: 'live' });
  return (await isReady()) ? answer(request, 200, { status: 'ready' }) : answer(request, 503, { status: 'unavailable' });
}

function answer(request: Request, status: number, body: { status: string }, headers: Record<string, string> = {}): Response {
  return new Response(request.method === 'HEAD' ? null : JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  });
}
