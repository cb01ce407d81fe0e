import { TextResponse } from '../server/text-response.ts';
import type { Failure } from './errors.ts';

const json = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

/** `{ data, code, message }`. The body's code is 200 whatever the HTTP status, as the source has it for 201. */
export function success(status: 200 | 201, data: unknown): TextResponse {
  return new TextResponse(JSON.stringify({ data, code: 200, message: 'OK' }), { status, headers: json });
}

/**
 * `{ errorCode, message, data }`.
 *
 * @param nested create enterprise alone has its value one level deeper
 */
export function failure({ status, errorCode, message, data, headers }: Failure, nested = false): TextResponse {
  const value = nested && data !== undefined ? { data } : data;
  return new TextResponse(JSON.stringify({ errorCode, message, data: value }), { status, headers: { ...json, ...headers } });
}
