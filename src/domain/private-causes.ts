import type { Logger } from 'pino';
import type { Caller } from './caller.ts';
import { DomainError, PlatformError } from './errors.ts';

/**
 * Logs the private half of an expected error, with the request id: its detail and its cause, which the caller is never shown. Errors that have
 * neither say all they know in public.
 */
export function logPrivateCause(log: Pick<Logger, 'info' | 'warn'>, { requestId }: Pick<Caller, 'requestId'>, error: unknown): void {
  if (!(error instanceof DomainError) || (error.detail === undefined && error.cause === undefined)) return;
  const line = { err: error, requestId };
  if (error instanceof PlatformError) log.warn(line, 'a platform refused a request or did not answer');
  else log.info(line, 'a request was refused');
}
