import { LostInterestError } from '../database/interest.ts';
import { isUnavailable } from '../database/unavailable.ts';

/** The 503 of every face while the database is unavailable. `retryAfter` in seconds. */
export const OUTAGE = { message: 'The gateway cannot reach its database right now; try again later', retryAfter: 5 };

/** For the log, with the error. */
export const OUTAGE_LOGGED = 'the database is unavailable';

/** Whether the error is of a query that nobody waits for any more. It says nothing about the database, and is not logged. */
export const isUnheard = (error: unknown): boolean => error instanceof LostInterestError;

/** OUTAGE if the error says that the database is unavailable, else `undefined`. */
export const outageOf = (error: unknown): typeof OUTAGE | undefined => (isUnavailable(error) ? OUTAGE : undefined);
