import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isDeadlock, isUnavailable } from '../database/unavailable.ts';

/** Short, so that the outcome is recorded before another instance takes over the lane and finds it missing. */
const PAUSE_MS = 250;

/**
 * Runs a write that must not be lost, again and again while the database is unavailable, or breaks it off in favor of another one.
 * @param write must be idempotent: it may have been committed although it failed
 * @param cutOff ends the repetitions when aborted; absent: they never end
 * @throws what `write` throws, if the database is not the reason, or after `cutOff`
 */
export async function retryUntilWritten<Result>(
  log: Logger,
  write: () => Promise<Result>,
  cutOff: AbortSignal | undefined,
): Promise<Result> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await write();
    } catch (error) {
      if (cutOff?.aborted || !(isUnavailable(error) || isDeadlock(error))) throw error;
      if (failures === 0) log.warn({ err: error }, 'cannot write to the outbox; retrying until the database is back');
    }
    await delay(PAUSE_MS);
  }
}
