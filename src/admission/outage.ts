import { isUnavailable } from '../database/unavailable.ts';

/** What every face says with its 503 while the database can't be used, and after how many seconds to come again. */
export const OUTAGE = { message: 'The gateway can not reach its data for the moment; try again', retryAfter: 5 };

/** For the log: the error with it says more. */
export const OUTAGE_LOGGED = 'the database can not be used';

/** OUTAGE where that is what an error tells of, else `undefined`. */
export const outageOf = (error: unknown): typeof OUTAGE | undefined => (isUnavailable(error) ? OUTAGE : undefined);
