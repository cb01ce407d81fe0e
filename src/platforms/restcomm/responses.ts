import { PlatformError } from '../../domain/errors.ts';
import { comparedForm } from '../../domain/values/phone-numbers.ts';
import { replaceUnstorable } from '../../domain/values/text.ts';
import { parseJson } from '../../json.ts';
import { NoResponseError, type PlatformResponse } from '../request.ts';
import type { RestcommApi, RestcommRequest } from './request.ts';

const MAX_MESSAGE_LENGTH = 500;

/**
 * Reads a refusal. Restcomm's are plain text, a bare number, JSON, or nearly JSON: `{"message":"…","error":SMS_LIMIT_EXCEEDED}`; or XML with the same
 * elements, where a proxy leaves out Accept (AbstractEndpoint, buildErrorResponseBody and retrieveMediaType, of RestComm/Restcomm-Connect and its
 * versions). The HTML page of a proxy or servlet container says nothing, nor does a number that only repeats the status.
 * @returns Restcomm's error code, or `HTTP_<status>`; and its message, at most 500 characters
 */
export function refusalOf({ status, text }: PlatformResponse): { code: string; message: string } {
  const body = text.replace(/\s+/g, ' ').trim();
  const code = `HTTP_${status}`;
  const withoutMessage = (known: string | number) => `Restcomm refused the request (${known})`;
  const given = (word: string | undefined) => (word === String(status) || word === 'null' ? undefined : word);
  if (/^\d+$/.test(body)) return { code: given(body) ?? code, message: withoutMessage(body) };
  if (body === '' || /^<(?:!doctype html|html)\b/i.test(body)) return { code, message: withoutMessage(status) };
  if (body.startsWith('<')) {
    const word = given([elementOf(body, 'Code'), elementOf(body, 'ErrorCode'), elementOf(body, 'Error')].find(isCode));
    return { code: word ?? code, message: storableMessage(elementOf(body, 'Message') ?? '') || withoutMessage(word ?? status) };
  }
  if (!body.startsWith('{')) return { code, message: storableMessage(body) };
  const [, message] = /"(?:error)?_?message"\s*:\s*("(?:[^"\\]|\\.)*")/i.exec(body) ?? [];
  const [, named] = /"(?:error|error_?code|code)"\s*:\s*"?([\w.-]+)/i.exec(body) ?? [];
  const word = given(named);
  const unquoted = storableMessage(String(message ? parseJson(message) : ''));
  return { code: word ?? code, message: unquoted || withoutMessage(word ?? status) };
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/** The text of the first XML element of a name. Restcomm does not escape what it writes there. */
function elementOf(xml: string, name: string): string | undefined {
  const [, text] = new RegExp(`<${name}>(.*?)</${name}>`).exec(xml) ?? [];
  return text?.replace(/&(lt|gt|quot|apos|amp);/g, (_entity, entity: string) => ENTITIES[entity] ?? '').trim();
}

const isCode = (text: string | undefined) => text !== undefined && /^[\w.-]+$/.test(text);

/** Refusals are stored with their messages. */
const storableMessage = (message: string) => replaceUnstorable(message.slice(0, MAX_MESSAGE_LENGTH));

/**
 * Sends a management request.
 * @param options.expected statuses to return in addition to 2xx
 * @throws PlatformError with Restcomm's own message if it refuses, or if it does not respond
 */
export async function manage(
  api: RestcommApi,
  method: 'GET' | 'POST' | 'PUT',
  path: readonly string[],
  { expected = [], ...options }: RestcommRequest & { readonly expected?: readonly number[] } = {},
): Promise<PlatformResponse> {
  const response = await api(method, path, options).catch((error) => {
    if (error instanceof NoResponseError) throw new PlatformError('Restcomm did not respond', { detail: error.message, cause: error });
    throw error;
  });
  if (!isSuccess(response) && !expected.includes(response.status)) throw refusedError(response);
  return response;
}

export const isSuccess = ({ status }: PlatformResponse): boolean => status >= 200 && status < 300;

/** @param cause for the domain, see restcomm.ts */
export function refusedError(response: PlatformResponse, cause?: object): PlatformError {
  const { code, message } = refusalOf(response);
  return new PlatformError(message, { detail: `Restcomm responded with status ${response.status} (${code})`, cause });
}

export const unreadableError = ({ status, text }: PlatformResponse): PlatformError =>
  new PlatformError('Restcomm sent an unreadable response', { detail: `status ${status}, ${text.length} characters` });

/**
 * Reads a field of a JSON object as text. Restcomm leaves absent values out, or writes them as null or `"null"`.
 * @returns `undefined` if the field is absent, empty, or not a text or number
 */
export function fieldOf(json: unknown, name: string): string | undefined {
  const value = (Object(json) as Record<string, unknown>)[name];
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text !== '' && text !== 'null' ? text : undefined;
}

/** The digits of a number's one form: Restcomm writes numbers with or without +, and mappings in any spelling. */
export const digitsOf = (number: string): string => comparedForm(number);
