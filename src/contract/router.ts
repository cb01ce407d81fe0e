import type { Method, Operation } from './operations/operation.ts';

/** `allow`: the path's methods, for the Allow header. `sid`: as in the path, percent-encoded; '' if it has none. */
type Route =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'not-allowed'; readonly allow: string }
  | { readonly kind: 'operation'; readonly operation: Operation; readonly sid: string };

type Methods = Map<Method, Operation>;

/**
 * Finds the operation of a path and method. A path without `{sid}` (`…/search`, `…/details`) comes before one with it; a trailing slash is ignored;
 * HEAD is routed as GET.
 * @param operations their paths and aliases must end in `/{sid}` or have no `{sid}`
 * @throws Error if two operations have the same path and method
 */
export function createRouter(operations: readonly Operation[]): (method: string, pathname: string) => Route {
  const routes = new Map<string, Methods>();
  for (const operation of operations) {
    for (const path of [operation.path, ...operation.aliases]) {
      const methods: Methods = routes.get(path) ?? new Map();
      routes.set(path, methods);
      for (const method of operation.methods) {
        if (methods.has(method))
          throw new Error(`Both ${methods.get(method)?.operation} and ${operation.operation} have ${method} ${path}`);
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
