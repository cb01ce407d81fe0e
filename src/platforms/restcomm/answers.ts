import { PlatformError } from '../../domain/errors.ts';
import { type Answer, NoAnswerError } from '../request.ts';
import type { RestcommRequest, RestcommRequestOptions } from './request.ts';

const MAX_MESSAGE = 500;

/**
 * What a refusal says. Restcomm's own are plain text, a bare number, JSON, or nearly JSON:
 * `{"message":"…","error":SMS_LIMIT_EXCEEDED}`. A proxy's or servlet container's page says nothing.
 */
export function refusalOf({ status, text }: Answer): { code: string; message: string } {
  const said = text.replace(/\s+/g, ' ').trim();
  const code = `HTTP_${status}`;
  const silent = (known: string | number) => `Restcomm refused the request (${known})`;
  if (/^\d+$/.test(said)) return { code: said, message: silent(said) };
  if (said === '' || said.startsWith('<')) return { code, message: silent(status) };
  if (!said.startsWith('{')) return { code, message: said.slice(0, MAX_MESSAGE) };
  const [, message] = /"message"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(said) ?? [];
  const [, word] = /"(?:error|error_code|code)"\s*:\s*"?([\w.-]+)/.exec(said) ?? [];
  return { code: word ?? code, message: String(message ? jsonOf(message) : '').slice(0, MAX_MESSAGE) || silent(word ?? status) };
}

/**
 * A request of the management calls: 2xx, or one of the `expected` statuses.
 * @throws PlatformError with Restcomm's own message
 */
export async function manage(
  ask: RestcommRequest,
  method: 'GET' | 'POST' | 'PUT',
  path: readonly string[],
  { expected = [], ...options }: RestcommRequestOptions & { readonly expected?: readonly number[] } = {},
): Promise<Answer> {
  const answer = await ask(method, path, options).catch((error) => {
    if (error instanceof NoAnswerError) throw new PlatformError('Restcomm did not answer', { detail: error.message, cause: error });
    throw error;
  });
  if (!isTaken(answer) && !expected.includes(answer.status)) throw refused(answer);
  return answer;
}

export const isTaken = ({ status }: Answer): boolean => status >= 200 && status < 300;

export function refused(answer: Answer): PlatformError {
  const { code, message } = refusalOf(answer);
  return new PlatformError(message, { detail: `Restcomm answered ${answer.status} (${code})` });
}

export const unreadable = ({ status, text }: Answer): PlatformError =>
  new PlatformError('Restcomm gave an answer that can not be read', { detail: `status ${status}, ${text.length} characters` });

/** An answer's JSON; `undefined` for anything else. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A field of an answer's JSON as text. Restcomm leaves absent values out, or writes null or `"null"`. */
export function fieldOf(json: unknown, name: string): string | undefined {
  const value = (Object(json) as Record<string, unknown>)[name];
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text !== '' && text !== 'null' ? text : undefined;
}

export const digitsOf = (number: string): string => number.replace(/^\+/, '');
