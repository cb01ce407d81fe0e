import type { Logger } from 'pino';
import type { Caller } from './caller.ts';
import { DomainError, PlatformError } from './errors.ts';

/**
 * Logs the private part of an expected error, with the request id: its code, detail and cause, which the caller never sees. The public message is
 * left out, and with it a cause that says the same, since a platform's own words may repeat the request. Errors without detail and cause are not
 * logged.
 */
export function logPrivateCause(
  log: Pick<Logger, 'info' | 'warn'>,
  { requestId }: Partial<Pick<Caller, 'requestId'>>,
  error: unknown,
): void {
  if (!(error instanceof DomainError) || (error.detail === undefined && error.cause === undefined)) return;
  const { code, detail, cause } = error;
  const isRepeated = cause instanceof Error && cause.message === error.message;
  const line = { code, detail, err: isRepeated ? cause.cause : cause, requestId };
  if (error instanceof PlatformError) log.warn(line, 'a platform refused a request or did not respond');
  else log.info(line, 'a request was refused');
}
