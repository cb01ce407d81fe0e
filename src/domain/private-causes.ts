import type { Logger } from 'pino';
import type { Caller } from './caller.ts';
import { DomainError, PlatformError } from './errors.ts';

/**
 * Logs the private half of an expected error, with the request id: its code, detail and cause, which the caller is never shown. The public message
 * is left out: a platform's own words may repeat what was sent. Errors that have neither say all they know in public.
 */
export function logPrivateCause(log: Pick<Logger, 'info' | 'warn'>, { requestId }: Pick<Caller, 'requestId'>, error: unknown): void {
  if (!(error instanceof DomainError) || (error.detail === undefined && error.cause === undefined)) return;
  const { code, detail, cause } = error;
  const line = { code, detail, err: cause, requestId };
  if (error instanceof PlatformError) log.warn(line, 'a platform refused a request or did not answer');
  else log.info(line, 'a request was refused');
}
