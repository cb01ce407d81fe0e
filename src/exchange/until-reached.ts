import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isUnavailable } from '../database/unavailable.ts';

/** Short, so that what is known here is written down before somebody else takes the lane over and finds it missing. */
const PAUSE_MS = 250;

/**
 * Does what must not be forgotten, again and again while the database can't be used. The work may have been done although it failed, so that doing it
 * twice must come to the same.
 * @param isGivenUp asked before each repetition
 * @throws what the work throws, where the database is not the reason or it is given up
 */
export async function untilReached<Result>(log: Logger, work: () => Promise<Result>, isGivenUp: () => boolean): Promise<Result> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error) || isGivenUp()) throw error;
      if (failures === 0) log.warn({ err: error }, 'what was done can not be written down yet; it is tried until it can');
    }
    await delay(PAUSE_MS);
  }
}
