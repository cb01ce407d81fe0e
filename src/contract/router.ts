import type { Method, Operation } from './operation.ts';

/** Where a path leads: to nothing, to other methods than this one, or to an operation. */
export type Route =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'not-allowed'; readonly allow: string }
  | { readonly kind: 'operation'; readonly operation: Operation /** As in the path, percent-encoded. */; readonly sid: string };

type Methods = Map<Method, Operation>;

/**
 * Finds the operation of a path. A path without `{sid}` (`…/search`, `…/details`) is matched before one with it; one trailing
 * slash is as good as none; HEAD is answered as GET.
 *
 * @param operations the table; every path or alias ends in `/{sid}` or has no `{sid}` at all
 * @throws where two operations claim one path and method
 */
export function createRouter(operations: readonly Operation[]): (method: string, pathname: string) => Route {
  const routes = new Map<string, Methods>();
  for (const operation of operations) {
    for (const path of [operation.path, ...operation.aliases]) {
      const methods: Methods = routes.get(path) ?? new Map();
      routes.set(path, methods);
      for (const method of operation.methods) {
        if (methods.has(method)) throw new Error(`Both ${methods.get(method)?.operation} and ${operation.operation} are ${method} ${path}`);
        methods.set(method, operation);
      }
    }
  }

  return (method, pathname) => {
    const path = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
    const slash = path.lastIndexOf('/');
    const fixed = routes.get(path);
    const methods = fixed ?? (slash < path.length - 1 ? routes.get(`${path.slice(0, slash)}/{sid}`) : undefined);
    if (!methods) return { kind: 'unknown' };
    const operation = methods.get((method === 'HEAD' ? 'GET' : method) as Method);
    if (!operation) return { kind: 'not-allowed', allow: allowed(methods) };
    return { kind: 'operation', operation, sid: fixed ? '' : path.slice(slash + 1) };
  };
}

function allowed(methods: Methods): string {
  return [...methods.keys()].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
}
