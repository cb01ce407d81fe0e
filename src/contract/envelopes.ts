import { TextResponse } from '../server/text-response.ts';
import type { Failure } from './errors.ts';

const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

/** `{ data, code, message }` (REST.md, Envelopes). The body's code is 200 even if the status is 201, which has a Location. */
export function success(status: 200 | 201, data: unknown): TextResponse {
  const headers = status === 201 ? { ...HEADERS, location: (data as { readonly uri: string }).uri } : HEADERS;
  return new TextResponse(JSON.stringify({ data, code: 200, message: 'OK' }), { status, headers });
}

/**
 * `{ errorCode, message, data }` (REST.md, Envelopes).
 * @param nested whether `data` is `{ data: value }`, as for create enterprise only
 */
export function failure({ status, errorCode, message, data, headers }: Failure, nested = false): TextResponse {
  const value = nested && data !== undefined ? { data } : data;
  return new TextResponse(JSON.stringify({ errorCode, message, data: value }), { status, headers: { ...HEADERS, ...headers } });
}
