import { type AnyResponse, TextResponse } from './text-response.ts';

/** For whoever looks at an answer of the API as a page: it may do nothing, and nobody may frame it. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

/** What browsers are told of every answer. An answer that says something else itself keeps that. */
const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': NOTHING,
  // For those that don't know frame-ancestors.
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Every answer is about someone's data, or about this very moment.
  'cache-control': 'no-store',
};

export function secure(response: AnyResponse): void {
  if (response instanceof TextResponse) {
    response.headers.complete(HEADERS);
    return;
  }
  for (const name in HEADERS) {
    if (!response.headers.has(name)) response.headers.set(name, HEADERS[name] as string);
  }
}
