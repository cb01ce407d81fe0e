import { TextHeaders } from './text-headers.ts';
import type { AnyResponse } from './text-response.ts';

/** For a response that a browser shows as a page: it may load nothing and run nothing, and no page may frame it. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

/** Set on every response, unless it has its own. */
const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': NOTHING,
  // For browsers without frame-ancestors.
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Every response contains an account's data or a momentary state.
  'cache-control': 'no-store',
};

/** Adds the security headers that a response does not have. */
export function secure(response: AnyResponse): void {
  const { headers } = response;
  if (headers instanceof TextHeaders) {
    headers.setDefaults(HEADERS);
    return;
  }
  for (const name in HEADERS) {
    if (!headers.has(name)) headers.set(name, HEADERS[name] as string);
  }
}
